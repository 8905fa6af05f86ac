//! `waxseal-bindgen MODULE.wasm FOLDER module|web`: writes into FOLDER index.js, which is what JavaScript calls, and
//! index_bg.wasm. `module` is for Workers, with `__wbg_reset_state` for a new instance after a crash; `web` is for a bench.

use std::env;
use std::error::Error;

use wasm_bindgen_cli_support::Bindgen;

fn main() -> Result<(), Box<dyn Error>> {
    let words: Vec<String> = env::args().skip(1).collect();
    let [input, folder, target] = words.as_slice() else {
        return Err("call it as: waxseal-bindgen MODULE.wasm FOLDER module|web".into());
    };
    let mut bindgen = Bindgen::new();
    bindgen.input_path(input).out_name("index").typescript(false);
    match target.as_str() {
        "module" => {
            bindgen.module(true)?.reset_state_function(true).force_enable_abort_handler(true);
        }
        "web" => {
            bindgen.web(true)?;
        }
        other => return Err(format!("the target is module or web, not {other}").into()),
    }
    Ok(bindgen.generate(folder)?)
}
