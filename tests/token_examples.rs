//! The minters an origin developer copies, `examples/mint.{py,mjs,php}`, run as the programs they are: every
//! mint vector gives the same token in every language.

// Tests may be blunt, their helper functions too.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use std::process::{Command, Output};

use serde_json::{Value, json};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");
const SITE: &str = "https://letters.example";

struct Minter {
    program: &'static str,
    script: &'static str,
}

const PYTHON: Minter = Minter { program: "python3", script: "mint.py" };
const NODE: Minter = Minter { program: "node", script: "mint.mjs" };
const PHP: Minter = Minter { program: "php", script: "mint.php" };

impl Minter {
    fn installed(&self) -> bool {
        Command::new(self.program).arg("--version").output().is_ok_and(|output| output.status.success())
    }

    fn run(&self, keyring: Option<&Value>, arguments: &[&str]) -> Output {
        let mut command = Command::new(self.program);
        // Python must not leave a cache beside the examples.
        command.arg(format!("{ROOT}/examples/{}", self.script)).args(arguments);
        command.env_remove("WAXSEAL_KEYS").env("PYTHONDONTWRITEBYTECODE", "1");
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
        let vectors = std::fs::read_to_string(format!("{ROOT}/tests/vectors/token.json")).unwrap();
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
            let link = self.link(&keyring, letter, &vector["not_after"].to_string());
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
        let refused: [(Option<&Value>, &[&str]); 12] = [
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
            (Some(&good), &[SITE, letter, "4294967296"]),
            (Some(&good), &[SITE, letter, "-1"]),
        ];
        for (at, (keyring, arguments)) in refused.into_iter().enumerate() {
            let output = self.run(keyring, arguments);
            assert!(!output.status.success(), "{}: nonsense {at}", self.script);
            assert!(output.stdout.is_empty(), "{}: nonsense {at}", self.script);
        }
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
