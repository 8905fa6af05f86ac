//! Making, keeping and showing keys.

use super::support::{Desk, KEYS};

fn desk() -> Desk {
    Desk::new().with("WAXSEAL_KEYS", "")
}

fn text_of(desk: &Desk, name: &str) -> String {
    String::from_utf8(desk.read(name)).unwrap()
}

#[cfg(unix)]
fn mode(desk: &Desk, name: &str) -> u32 {
    use std::os::unix::fs::PermissionsExt;
    std::fs::metadata(desk.path(name)).unwrap().permissions().mode() & 0o777
}

#[test]
#[cfg(unix)]
fn a_new_keyring_is_private_and_never_overwritten() {
    let desk = desk();
    let made = desk.run(&["keys", "new", "--keys", "k.json", "--id", "7", "--json"]).succeeded();
    assert_eq!(made.json()["active"], 7);
    assert_eq!(mode(&desk, "k.json"), 0o600);
    let before = desk.read("k.json");

    let again = desk.run(&["keys", "new", "--keys", "k.json", "--json"]).failed(1);
    assert_eq!(again.error_code(), "keys_exist");
    assert!(again.out.is_empty(), "an error is no answer");
    assert_eq!(desk.read("k.json"), before);
    assert_eq!(desk.names(), ["k.json"], "no draft stays behind");
}

#[test]
#[cfg(unix)]
fn rotation_keeps_the_old_key_until_its_end() {
    let desk = desk();
    desk.run(&["keys", "new", "--keys", "k.json"]).succeeded();
    let letter = "0190a5d4-7a2b-7c3d-8e4f-5a6b7c8d9e0f";
    let old = desk.run(&["mint", letter, "--keys", "k.json", "--json"]).succeeded().json();
    let rotated = desk
        .run(&["keys", "rotate", "--keys", "k.json", "--old-until", "2100-01-01T00:00:00Z", "--json"])
        .succeeded()
        .json();
    assert_eq!((&rotated["old"], &rotated["active"]), (&1.into(), &2.into()));
    assert_eq!(rotated["old_not_after"], 4_102_444_800_u64);
    assert_eq!(mode(&desk, "k.json"), 0o600);

    let token = old["token"].as_str().unwrap();
    let seen = desk.run(&["inspect", token, "--keys", "k.json", "--json"]).succeeded().json();
    assert_eq!((&seen["class"], &seen["kid"]), (&"valid".into(), &1.into()));
    let new = desk.run(&["mint", letter, "--keys", "k.json", "--json"]).succeeded().json();
    assert_eq!(new["kid"], 2);
}

#[test]
fn a_leaked_key_is_retired_at_once() {
    for until in ["now", "2001-01-01"] {
        let desk = desk();
        desk.run(&["keys", "new", "--keys", "k.json"]).succeeded();
        let letter = "0190a5d4-7a2b-7c3d-8e4f-5a6b7c8d9e0f";
        let token = desk.run(&["mint", letter, "--keys", "k.json"]).succeeded().out;
        let rotated = desk.run(&["keys", "rotate", "--keys", "k.json", "--old-until", until]).succeeded();
        assert!(rotated.out.contains("retired at once") && rotated.out.contains("dead"), "{}", rotated.out);
        let seen = desk.run(&["inspect", token.trim(), "--keys", "k.json", "--json"]).failed(1).json();
        assert_eq!((&seen["class"], &seen["tag"]), (&"forged".into(), &"holds".into()));
    }
}

#[test]
fn the_old_key_outlives_the_longest_usual_link() {
    let desk = desk();
    desk.run(&["keys", "new", "--keys", "k.json"]).succeeded();
    let link =
        ["mint", "0190a5d4-7a2b-7c3d-8e4f-5a6b7c8d9e0f", "--keys", "k.json", "--json", "--expires", "365d"];
    let link = desk.run(&link).succeeded().json();
    let rotated = desk.run(&["keys", "rotate", "--keys", "k.json", "--json"]).succeeded().json();
    let beyond = rotated["old_not_after"].as_u64().unwrap() - link["not_after"].as_u64().unwrap();
    assert!((34 * 86_400..=36 * 86_400).contains(&beyond), "{beyond}");
    assert_eq!(rotated["old_verifies"], true);
}

#[test]
fn the_old_key_outlives_every_link_of_its_last_day() {
    for zone in ["Etc/GMT+12", "Pacific/Kiritimati"] {
        let desk = desk();
        desk.run(&["keys", "new", "--keys", "k.json"]).succeeded();
        let letter = "0190a5d4-7a2b-7c3d-8e4f-5a6b7c8d9e0f";
        let link =
            ["mint", letter, "--keys", "k.json", "--json", "--expires", "2060-02-29", "--time-zone", zone];
        let link = desk.run(&link).succeeded().json();
        let rotate = ["keys", "rotate", "--keys", "k.json", "--json", "--old-until", "2060-02-29"];
        let rotated = desk.run(&rotate).succeeded().json();
        assert!(rotated["old_not_after"].as_u64() > link["not_after"].as_u64(), "{zone}");
        assert_eq!(rotated["old_until"], "2060-03-01T12:00:00Z");
    }
}

#[test]
fn the_old_api_key_ends_after_an_overlap_of_its_own() {
    // What the edge would say of it; the keyring is what it is given.
    let taken = |desk: &Desk, key: &str, at: u64| {
        let keyring = waxseal::token::Keyring::from_json(&text_of(desk, "k.json")).unwrap();
        keyring.verify_api_key(key.trim(), waxseal::types::UnixSeconds(at)).is_some()
    };
    for (flag, hours) in [(None, Some(24)), (Some("3h"), Some(3)), (Some("now"), None)] {
        let desk = desk();
        desk.run(&["keys", "new", "--keys", "k.json"]).succeeded();
        let old = desk.run(&["keys", "show", "--keys", "k.json", "--api-key"]).succeeded().out;
        let mut rotate = vec!["keys", "rotate", "--keys", "k.json"];
        rotate.extend(flag.into_iter().flat_map(|when| ["--old-api-until", when]));
        let said = desk.run(&rotate).succeeded().out;
        assert!(
            said.contains("The API key of key 1") && said.contains("Links made with key 1 work"),
            "{said}"
        );
        // Links work for 400 days from now.
        let shown = desk.run(&["keys", "show", "--keys", "k.json", "--json"]).succeeded().json();
        let now = shown["keys"][1]["not_after"].as_u64().unwrap() - 400 * 86_400;
        if let Some(hours) = hours {
            assert!(taken(&desk, &old, now + hours * 3600 - 60), "{flag:?}");
            assert!(!taken(&desk, &old, now + hours * 3600 + 60), "{flag:?}");
            let ended = desk.run(&["keys", "revoke-api", "--keys", "k.json", "--json"]).succeeded().json();
            assert_eq!(ended["ended"], serde_json::json!([1]));
        }
        assert!(!taken(&desk, &old, now + 60), "{flag:?}");
        // Links are as they were, and the new key's API key is taken.
        let shown = desk.run(&["keys", "show", "--keys", "k.json", "--json"]).succeeded().json();
        assert_eq!(
            (&shown["keys"][1]["verifies"], &shown["keys"][1]["api_verifies"]),
            (&true.into(), &false.into())
        );
        let new = desk.run(&["keys", "show", "--keys", "k.json", "--api-key"]).succeeded().out;
        assert!(taken(&desk, &new, now + 400 * 86_400));
        let again = desk.run(&["keys", "revoke-api", "--keys", "k.json"]).succeeded().out;
        assert!(again.contains("No old API key was left"), "{again}");
    }
}

#[test]
#[cfg(unix)]
fn what_is_shown_goes_to_a_private_file_and_nowhere_else() {
    let desk = Desk::new();
    let secret = "AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI=";
    let arguments = ["keys", "show", "--dev-vars", "--output", ".dev.vars"];
    let written = desk.run(&arguments).succeeded();
    assert!(!written.out.contains(secret) && !written.err.contains(secret), "{}", written.out);
    assert_eq!(text_of(&desk, ".dev.vars"), format!("WAXSEAL_KEYS='{KEYS}'\n"));
    assert_eq!(mode(&desk, ".dev.vars"), 0o600);

    desk.write(".dev.vars", b"OTHER=1\n");
    let refused = desk.run(&[&arguments[..], &["--json"]].concat()).failed(1);
    assert_eq!(refused.error_code(), "output_exists");
    assert_eq!(text_of(&desk, ".dev.vars"), "OTHER=1\n");
    for folder in [&["--output", "."][..], &["--output", ".", "--force"]] {
        let refused = desk.run(&[&["keys", "show", "--json"], folder].concat()).failed(1);
        assert_eq!(refused.error_code(), "output_folder");
    }
    assert_eq!(desk.run(&["keys", "new", "--keys", ".", "--json"]).failed(1).error_code(), "output_folder");
    desk.run(&[&arguments[..], &["--force"]].concat()).succeeded();
    assert_eq!(text_of(&desk, ".dev.vars"), format!("WAXSEAL_KEYS='{KEYS}'\n"));
    assert_eq!(mode(&desk, ".dev.vars"), 0o600);
    assert_eq!(desk.names(), [".dev.vars"], "no draft stays behind");
}

#[test]
fn two_rotations_do_not_overwrite_each_other() {
    let desk = desk();
    desk.run(&["keys", "new", "--keys", "k.json"]).succeeded();
    let before = desk.read("k.json");
    let held = std::fs::File::open(desk.path("k.json")).unwrap();
    held.lock().unwrap();
    let busy = desk.run(&["keys", "rotate", "--keys", "k.json", "--json"]).failed(1);
    assert_eq!(busy.error_code(), "keys_busy");
    assert_eq!(desk.read("k.json"), before);
    drop(held);
    desk.run(&["keys", "rotate", "--keys", "k.json"]).succeeded();
    assert_eq!(desk.names(), ["k.json"], "the lock leaves nothing behind");
}

#[test]
#[cfg(unix)]
fn a_keyring_that_is_a_link_stays_one() {
    let desk = desk();
    std::fs::create_dir(desk.path("safe")).unwrap();
    desk.run(&["keys", "new", "--keys", "safe/k.json"]).succeeded();
    std::os::unix::fs::symlink("safe/k.json", desk.path("k.json")).unwrap();
    desk.run(&["keys", "rotate", "--keys", "k.json"]).succeeded();
    assert!(std::fs::symlink_metadata(desk.path("k.json")).unwrap().is_symlink());
    let shown = desk.run(&["keys", "show", "--keys", "safe/k.json", "--json"]).succeeded().json();
    assert_eq!(shown["active"], 2);
    assert_eq!(mode(&desk, "safe/k.json"), 0o600);
}

#[test]
fn secrets_show_only_on_demand() {
    let desk = Desk::new();
    let secret = "AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI=";
    for arguments in [&["keys", "show"][..], &["keys", "show", "--json"]] {
        let shown = desk.run(arguments).succeeded();
        assert!(!shown.out.contains(secret) && !shown.out.contains("wsk_"), "{}", shown.out);
    }
    assert_eq!(desk.run(&["keys", "show", "--env"]).succeeded().out, format!("{KEYS}\n"));
    assert_eq!(desk.run(&["keys", "show", "--dev-vars"]).succeeded().out, format!("WAXSEAL_KEYS='{KEYS}'\n"));
    assert!(desk.run(&["keys", "show", "--secrets"]).succeeded().out.contains(secret));
    let key = desk.run(&["keys", "show", "--api-key"]).succeeded().out;
    assert!(key.starts_with("wsk_02_") && key.trim().len() == 59, "{key}");
    desk.run(&["keys", "show", "--api-key", "--secrets"]).failed(2);
}

#[test]
fn a_bad_keyring_is_refused_without_showing_it() {
    let desk = desk();
    let secret = "c2VjcmV0c2VjcmV0";
    desk.write("bad.json", format!(r#"{{"active":1,"keys":[{{"id":1,"secret":"{secret}"}}]}}"#).as_bytes());
    let failed = desk.run(&["keys", "show", "--keys", "bad.json", "--json"]).failed(1);
    assert_eq!(failed.error_code(), "keyring_invalid");
    assert!(!failed.err.contains(secret));

    let missing = desk.run(&["keys", "show", "--json"]).failed(2);
    assert_eq!(missing.error_code(), "keyring_missing");
    let absent = desk.run(&["keys", "show", "--keys", "nowhere.json", "--json"]).failed(2);
    assert_eq!(absent.error_code(), "keyring_not_read");
}

#[test]
#[cfg(unix)]
fn a_keyring_that_others_can_read_is_pointed_out() {
    use std::os::unix::fs::PermissionsExt;
    let desk = desk();
    let path = desk.write("open.json", KEYS.as_bytes());
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o644)).unwrap();
    let shown = desk.run(&["keys", "show", "--keys", "open.json"]).succeeded();
    assert!(shown.err.contains("chmod 600"), "{}", shown.err);
}
