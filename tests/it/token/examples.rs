//! The minters an origin developer copies, `examples/mint.{py,mjs,php}`, run as the programs they are: every
//! mint vector gives the same token in every language, and each does what docs/TOKEN.md wants of a minter.

use std::process::{Command, Output};

use serde_json::{Value, json};

const SITE: &str = "https://letters.example";

struct Minter {
    /// The program, and what it wants before the script, such as `go run`.
    program: &'static [&'static str],
    script: &'static str,
    /// How it is asked whether it is there.
    version: &'static str,
    /// Where a value need not be a whole number: the option that takes a program as its value, and one that hands every value of
    /// `VALUES` to the library's `mint` and counts the refusals.
    values: Option<(&'static str, &'static str)>,
}

const PYTHON: Minter = Minter {
    program: &["python3"],
    script: "mint.py",
    version: "--version",
    values: Some(("-c", "
import json, os, sys
sys.path.insert(0, os.environ['EXAMPLES'])
import mint
key, letter = mint.Key.active(os.environ['WAXSEAL_KEYS']), mint.letter_id('01890a5d-ac96-774b-bcce-b302099a8057')
refused = 0
for value in json.loads(os.environ['VALUES']):
    try:
        print('taken', repr(value), mint.mint(key, letter, value))
    except ValueError:
        refused += 1
print('refused', refused)
")),
};
const NODE: Minter = Minter {
    program: &["node"],
    script: "mint.mjs",
    version: "--version",
    values: Some((
        "-e",
        "
import(process.env.EXAMPLES + '/mint.mjs').then(({ activeKey, mint }) => {
  const key = activeKey(process.env.WAXSEAL_KEYS);
  let refused = 0;
  for (const value of JSON.parse(process.env.VALUES)) {
    try {
      console.log('taken', value, mint(key, '01890a5d-ac96-774b-bcce-b302099a8057', value));
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      refused += 1;
    }
  }
  console.log('refused', refused);
});
",
    )),
};
const PHP: Minter = Minter {
    program: &["php"],
    script: "mint.php",
    version: "--version",
    values: Some((
        "-r",
        "
require getenv('EXAMPLES') . '/mint.php';
$key = waxseal_active_key(getenv('WAXSEAL_KEYS'));
$refused = 0;
foreach (json_decode(getenv('VALUES'), true) as $value) {
    try {
        echo 'taken ' . waxseal_mint($key, '01890a5d-ac96-774b-bcce-b302099a8057', $value);
    } catch (InvalidArgumentException $error) {
        $refused += 1;
    }
}
echo 'refused ', $refused;
",
    )),
};

impl Minter {
    fn installed(&self) -> bool {
        Command::new(self.program[0]).arg(self.version).output().is_ok_and(|output| output.status.success())
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(self.program[0]);
        // Python must not leave a cache beside the examples.
        command
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .env("PYTHONUTF8", "1")
            .args(&self.program[1..])
            .args(arguments);
        command
    }

    fn run(&self, keyring: Option<&Value>, arguments: &[&str]) -> Output {
        let mut command = self.command(&[&format!("examples/{}", self.script)]);
        command.args(arguments);
        command.env_remove("WAXSEAL_KEYS");
        if let Some(keyring) = keyring {
            command.env("WAXSEAL_KEYS", keyring.to_string());
        }
        command.output().unwrap()
    }

    fn link(&self, keyring: &Value, letter: &str, not_after: &str) -> String {
        let output = self.run(Some(keyring), &[SITE, letter, not_after]);
        assert!(output.status.success(), "{}: {}", self.script, String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    fn mints_every_vector(&self) {
        let vectors = std::fs::read_to_string("tests/vectors/token.json").unwrap();
        let vectors: Value = serde_json::from_str(&vectors).unwrap();
        let mints = vectors["mint"].as_array().unwrap();
        assert!(mints.len() >= 12);
        for vector in mints {
            let kid = vector["kid"].as_u64().unwrap();
            // Another key stands first, so that the active one has to be found.
            let decoy = json!({ "id": (kid + 1) % 256, "secret": "A".repeat(43), "not_after": 1 });
            let keyring =
                json!({ "active": kid, "keys": [decoy, { "id": kid, "secret": vector["secret"] }] });
            let letter = vector["letter"].as_str().unwrap();
            let not_after = vector["not_after"].to_string();
            if not_after == "0" {
                // The format can say it, and nobody means it: the table of bad ends has it.
                continue;
            }
            let link = self.link(&keyring, letter, &not_after);
            let expected = format!("{SITE}/{}\n", vector["token"].as_str().unwrap());
            assert_eq!(link, expected, "{}: {}", self.script, vector["name"]);
        }
    }

    fn refuses_nonsense(&self) {
        let letter = "01890a5d-ac96-774b-bcce-b302099a8057";
        let keyring =
            |active: u32, secret: &str| json!({ "active": active, "keys": [{ "id": 1, "secret": secret }] });
        let good = keyring(1, &"A".repeat(43));
        assert!(self.run(Some(&good), &[SITE, letter, "4294967295"]).status.success());
        let refused: [(Option<&Value>, &[&str]); 10] = [
            (None, &[SITE, letter, "1"]),
            (Some(&json!("not a keyring")), &[SITE, letter, "1"]),
            (Some(&keyring(2, &"A".repeat(43))), &[SITE, letter, "1"]),
            (Some(&keyring(1, &"A".repeat(42))), &[SITE, letter, "1"]),
            (Some(&good), &[SITE]),
            (Some(&good), &[SITE, "not-a-uuid", "1"]),
            (Some(&good), &[SITE, "01890a5d-ac96-774b-bcce-b302099a8057zz", "1"]),
            (Some(&good), &[SITE, "01890a5d-ac96-774b-bcce-b302099a8057\n", "1"]),
            (Some(&good), &[SITE, "{01890a5d-ac96-774b-bcce-b302099a8057}", "1"]),
            (Some(&good), &[SITE, "01890a5d-ac96-774b-bcce-b302099a_805", "1"]),
        ];
        for (at, (keyring, arguments)) in refused.into_iter().enumerate() {
            let output = self.run(keyring, arguments);
            assert!(!output.status.success(), "{}: nonsense {at}", self.script);
            assert!(output.stdout.is_empty(), "{}: nonsense {at}", self.script);
        }
    }

    /// The end of a link is a positive whole number of seconds, as an argument and as a value of the language: one table for
    /// every minter.
    fn refuses_what_is_no_end(&self) {
        let table = std::fs::read_to_string("tests/vectors/not-after.json").unwrap();
        let table: Value = serde_json::from_str(&table).unwrap();
        let texts = |list: &str| table[list].as_array().unwrap().clone();
        let letter = "01890a5d-ac96-774b-bcce-b302099a8057";
        let keyring = json!({ "active": 1, "keys": [{ "id": 1, "secret": "A".repeat(43) }] });
        for taken in texts("taken") {
            self.link(&keyring, letter, taken.as_str().unwrap());
        }
        assert!(texts("refused_text").len() >= 40);
        for refused in texts("refused_text") {
            let output = self.run(Some(&keyring), &[SITE, letter, refused.as_str().unwrap()]);
            assert!(!output.status.success() && output.stdout.is_empty(), "{}: {refused}", self.script);
            let said = String::from_utf8_lossy(&output.stderr);
            assert!(said.contains("whole number of Unix seconds"), "{}: {refused}: {said}", self.script);
        }
        // As a library: all values in one run, which prints those that were taken.
        let Some((option, program)) = self.values else { return };
        let values = table["refused_values"].to_string();
        let mut command = self.command(&[option, program]);
        command.env("EXAMPLES", std::path::absolute("examples").unwrap()).env("VALUES", &values);
        command.env("WAXSEAL_KEYS", keyring.to_string());
        let output = command.output().unwrap();
        assert!(output.status.success(), "{}: {}", self.script, String::from_utf8_lossy(&output.stderr));
        let said = String::from_utf8(output.stdout).unwrap();
        let count = table["refused_values"].as_array().unwrap().len();
        assert_eq!(said.trim(), format!("refused {count}"), "{}", self.script);
    }

    /// A byte order mark in front of the keyring does not count.
    fn reads_a_keyring_with_a_byte_order_mark(&self) {
        let keyring = json!({ "active": 1, "keys": [{ "id": 1, "secret": "A".repeat(43) }] });
        let letter = "01890a5d-ac96-774b-bcce-b302099a8057";
        let plain = self.link(&keyring, letter, "1772592000");
        let script = format!("examples/{}", self.script);
        let mut command = self.command(&[&script, SITE, letter, "1772592000"]);
        command.env("WAXSEAL_KEYS", format!("\u{feff}{keyring}"));
        let output = command.output().unwrap();
        assert!(output.status.success(), "{}: {}", self.script, String::from_utf8_lossy(&output.stderr));
        assert_eq!(String::from_utf8(output.stdout).unwrap(), plain, "{}", self.script);
    }

    /// Without a third argument the link is good for 30 days from now.
    fn defaults_to_thirty_days(&self) {
        use waxseal::token::Token;
        let keyring = json!({ "active": 1, "keys": [{ "id": 1, "secret": "A".repeat(43) }] });
        let letter = "01890a5d-ac96-774b-bcce-b302099a8057";
        let output = self.run(Some(&keyring), &["https://letters.example/", letter]);
        let link = String::from_utf8(output.stdout).unwrap();
        let token = link.trim_end().strip_prefix("https://letters.example/").unwrap();
        let not_after = Token::parse(token).unwrap().not_after().0;
        // The clock is not to be read in this package; a new file's time does as well.
        let file = tempfile::NamedTempFile::new().unwrap();
        let modified = file.as_file().metadata().unwrap().modified().unwrap();
        let now = modified.duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
        let expected = now + 30 * 86_400;
        assert!((expected - 600..=expected + 600).contains(&not_after), "{}", self.script);
    }

    fn behaves(&self) {
        self.mints_every_vector();
        self.refuses_nonsense();
        self.refuses_what_is_no_end();
        self.reads_a_keyring_with_a_byte_order_mark();
        self.defaults_to_thirty_days();
    }
}

#[test]
fn python_mints_the_same_tokens() {
    PYTHON.behaves();
}

#[test]
fn node_mints_the_same_tokens() {
    NODE.behaves();
}

#[test]
fn php_mints_the_same_tokens() {
    if PHP.installed() {
        PHP.behaves();
    } else {
        println!("skipped: php is not installed");
    }
}

/// A minter that nobody runs would stand there unchecked.
#[test]
fn every_minter_is_run() {
    let run = [PYTHON.script, NODE.script, PHP.script];
    for entry in std::fs::read_dir("examples").unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(!name.starts_with("mint.") || run.contains(&name.as_str()), "{name} is not run by this test");
    }
}
