//! Reads the rate limit of the API out of wrangler.toml, so that what is answered of it is what is deployed: the platform's binding
//! does not say how much it lets through.

use std::error::Error;

use toml::de::DeTable;

const CONFIG: &str = "../../wrangler.toml";

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed={CONFIG}");
    let text = std::fs::read_to_string(CONFIG)?;
    let config = DeTable::parse(&text)?;
    let limits = config.get_ref().get("ratelimits").and_then(|it| it.get_ref().as_array());
    let named = |limit: &&toml::Spanned<toml::de::DeValue<'_>>| {
        limit.get_ref().get("name").and_then(|it| it.get_ref().as_str()) == Some("LIMIT_API")
    };
    let simple = limits.and_then(|it| it.iter().find(named)).and_then(|it| it.get_ref().get("simple"));
    let number = |name| simple?.get_ref().get(name)?.get_ref().as_integer().map(|it| it.as_str().to_owned());
    let (limit, period) = (number("limit").ok_or("no limit")?, number("period").ok_or("no period")?);
    println!("cargo:rustc-env=API_LIMIT={limit}");
    println!("cargo:rustc-env=API_PERIOD_S={period}");
    Ok(())
}
