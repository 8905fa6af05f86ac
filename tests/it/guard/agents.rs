//! The list of agents: where each entry comes from, and that each can decide.
// Only the build script makes code of it.
#[allow(dead_code, unreachable_pub)]
#[path = "../../../agents/codegen.rs"]
mod codegen;

use waxseal::bots::Claim;
use waxseal::guard::{AgentKind, recognise};

const LIST: &str = include_str!("../../../agents/agents.tsv");

#[test]
fn every_row_says_where_it_was_seen_and_can_decide() {
    let (rows, faults) = codegen::read(LIST);
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert!(rows.len() > 150);
    for row in rows {
        let agent = row.pattern.strip_prefix('=').unwrap_or(row.pattern);
        match row.kind {
            "preview" | "mail_scanner" | "crawler" => {
                let found = recognise(Some(agent));
                assert_eq!((found.kind.code(), found.name), (row.kind, row.name), "{row:?}");
            }
            "program" => assert_eq!(Claim::of(Some(agent)), Claim::Program, "{row:?}"),
            "view" => {
                let chrome = format!("Mozilla/5.0 ({agent}) Chrome/140.0");
                assert_eq!(Claim::of(Some(&chrome)), Claim::Browser, "{row:?}");
            }
            _ => {}
        }
    }
}

#[test]
fn a_bad_row_fails_the_build() {
    let page = "2026-11-29\thttps://example.com/";
    let good = format!("# a comment\n\npreview\tsome bot\tSome\t{page}\n");
    assert_eq!(codegen::read(&good).1, [""; 0]);
    for (row, what) in [
        ("preview\tother\tOther\t2026-11-29\t".to_owned(), "no public page"),
        ("preview\tother\tOther\t2026-11-29\tsomewhere".to_owned(), "no public page"),
        ("preview\tother\tOther\t\thttps://example.com/".to_owned(), "no date"),
        ("preview\tother\tOther\t2026-13-29\thttps://example.com/".to_owned(), "no date"),
        ("preview\tother\tOther\tlately\thttps://example.com/".to_owned(), "no date"),
        ("preview\tother\tOther".to_owned(), "five columns"),
        (format!("messenger\tother\tOther\t{page}"), "unknown kind"),
        (format!("preview\tOther\tOther\t{page}"), "lower case"),
        (format!("preview\t=\tOther\t{page}"), "two printable"),
        (format!("preview\tother\t\t{page}"), "a name"),
        (format!("program\tother\tOther\t{page}"), "a name"),
        (format!("asn\tas13\tOther\t{page}"), "number"),
        (format!("preview\tsome bot\tAgain\t{page}"), "line 3 does"),
        (format!("crawler\tawesome bot/1\tShadowed\t{page}"), "line 3 does"),
        (format!("mail_scanner\t=some bot\tShadowed\t{page}"), "line 3 does"),
    ] {
        let faults = codegen::read(&format!("{good}{row}\n")).1;
        assert!(
            faults.len() == 1 && faults[0].starts_with("line 4: ") && faults[0].contains(what),
            "{row:?}: {faults:?}"
        );
    }
    // The special before the general, and the whole before the part, both decide.
    for row in ["preview\tbot\tAny", "crawler\tbot\tAny", "program\tsome bot\t"] {
        assert_eq!(codegen::read(&format!("{good}{row}\t{page}\n")).1, [""; 0], "{row}");
    }
    let whole = format!("preview\t=bot\tBot\t{page}\npreview\tbot\tAny\t{page}\n");
    assert_eq!(codegen::read(&whole).1, [""; 0]);
}

/// What messengers, mail programs and scanners send, as the pages in the list show it.
#[test]
fn those_that_were_missed_are_known() {
    use AgentKind::{MailScanner, Preview};
    for (agent, kind, name) in [
        ("Viber", Preview, "Viber"),
        ("ViberUrlDownloader", Preview, "Viber"),
        ("Mattermost-Bot/1.1", Preview, "Mattermost"),
        (
            "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/41.0 Safari/537.36 Rocket.Chat/6.2.1",
            Preview,
            "Rocket.Chat",
        ),
        ("Mozilla/5.0 (compatible; ZulipURLPreview/9.1; +https://chat.example)", Preview, "Zulip"),
        ("Synapse (bot; +https://github.com/matrix-org/synapse)", Preview, "Matrix"),
        ("Nextcloud Server Crawler", Preview, "Nextcloud"),
        ("Nextcloud-Server-Crawler/33.0.0", Preview, "Nextcloud"),
        ("facebookexternalhit/1.1;line-poker/1.0", Preview, "LINE"),
        (
            "facebookexternalhit/1.1; kakaotalk-scrap/1.0; +https://devtalk.kakao.com/t/scrap/33984",
            Preview,
            "KakaoTalk",
        ),
        ("TelegramBot (like TwitterBot)", Preview, "Telegram"),
        ("WhatsApp", Preview, "WhatsApp or Signal"),
        ("Bluesky Cardyb/1.1", Preview, "Bluesky"),
        ("MicrosoftPreview/2.0; +https://aka.ms/MicrosoftPreview", Preview, "Microsoft"),
        ("Mozilla/5.0 (compatible; SnapURLPreview/1.0; +https://www.snapchat.com)", Preview, "Snapchat"),
        ("Mozilla/4.0 (compatible; ms-office; MSOffice 16)", MailScanner, "Microsoft Office or Outlook"),
        (
            "Microsoft Office/16.0 (Windows NT 10.0; Microsoft Word 16.0.18025; Pro)",
            MailScanner,
            "Microsoft Office or Outlook",
        ),
        (
            "Mozilla/4.0 (compatible; MSIE 7.0; Windows NT 10.0; Microsoft Outlook 16.0.6001)",
            MailScanner,
            "Microsoft Outlook",
        ),
        ("MacOutlook/16.41.20091302 (Intelx64 Mac OS X 10.14.4)", MailScanner, "Microsoft Outlook"),
        (
            "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)",
            MailScanner,
            "Gmail",
        ),
        (
            "YahooMailProxy; https://help.yahoo.com/kb/yahoo-mail-proxy-SLN28749.html",
            MailScanner,
            "Yahoo Mail",
        ),
        ("Barracuda Sentinel (EE)", MailScanner, "Barracuda"),
    ] {
        let found = recognise(Some(agent));
        assert_eq!((found.kind, found.name), (kind, name), "{agent}");
    }
    let people = [
        "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148 Safari Line/14.9.0",
        "Mozilla/5.0 (Linux; Android 15; SM-S921B; wv) AppleWebKit/537.36 Version/4.0 Chrome/140.0 Mobile Safari/537.36;KAKAOTALK 2410140",
        "Mozilla/5.0 (Linux; Android 15; wv) AppleWebKit/537.36 Version/4.0 Chrome/140.0 Mobile Safari/537.36 Zalo android/12100676",
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/138.0 Electron/37 Safari/537.36 Mattermost/5.13",
        "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148 Viber/26.1",
    ];
    for agent in people {
        assert_eq!(recognise(Some(agent)).kind, AgentKind::Other, "{agent}");
    }
}
