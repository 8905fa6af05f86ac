//! Robots that say who they are. A claim, not a proof: it can only take something away from the claimant (a crawler
//! is refused, a preview shows nothing), or make a damaged link cheaper. The whole table is in this file.

use super::pattern::{TEXT_BYTES_MAX, contains};

/// What a client says it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AgentKind {
    /// A browser, a program, or nothing said.
    Other,
    /// A search engine, archive or collector.
    Crawler,
    /// Draws the preview of a link in a messenger or a mail program.
    Preview,
    /// Opens links in mail before the reader does.
    MailScanner,
}

impl AgentKind {
    /// A stable name for logs and tests.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Other => "other",
            Self::Crawler => "crawler",
            Self::Preview => "preview",
            Self::MailScanner => "mail_scanner",
        }
    }
}

/// A recognised agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Agent {
    /// What it is.
    pub kind: AgentKind,
    /// Its name in the table; empty for [`AgentKind::Other`].
    pub name: &'static str,
}

use AgentKind::{Crawler, MailScanner, Preview};

/// Text to look for in lower case, what it means, whose it is. The first line that matches decides, so previews
/// stand before crawlers: iMessage says `facebookexternalhit/1.1 Facebot Twitterbot/1.0`.
///
/// People read letters inside these programs too. Their in-app browsers say other things (`FBAN`, `Instagram`,
/// `MicroMessenger`, `Teams/`, `Slack_SSB`, `[Pinterest/`), which must not match.
const TABLE: &[(&str, AgentKind, &str)] = &[
    ("whatsapp/", Preview, "WhatsApp"),
    ("slackbot", Preview, "Slack"),
    ("slack-imgproxy", Preview, "Slack"),
    ("skypeuripreview", Preview, "Microsoft Teams"),
    ("facebookexternalhit", Preview, "Facebook or iMessage"),
    ("facebot", Preview, "Facebook"),
    ("twitterbot", Preview, "X"),
    ("telegrambot", Preview, "Telegram"),
    ("linkedinbot", Preview, "LinkedIn"),
    ("discordbot", Preview, "Discord"),
    ("pinterestbot", Preview, "Pinterest"),
    ("redditbot", Preview, "Reddit"),
    ("snap url preview", Preview, "Snapchat"),
    ("kakaotalk-scrap", Preview, "KakaoTalk"),
    ("vkshare", Preview, "VK"),
    ("mastodon/", Preview, "Mastodon"),
    ("bingpreview", Preview, "Bing"),
    ("yahoo link preview", Preview, "Yahoo Mail"),
    ("google-pagerenderer", Preview, "Google"),
    ("embedly", Preview, "Embedly"),
    ("iframely", Preview, "Iframely"),
    ("xing-contenttabreceiver", Preview, "Xing"),
    // Safe Links mostly looks like a plain browser; these are what it and Office say when they say anything.
    ("safelinks", MailScanner, "Microsoft Safe Links"),
    ("safe links", MailScanner, "Microsoft Safe Links"),
    ("microsoft office existence discovery", MailScanner, "Microsoft Office"),
    ("microsoft office protocol discovery", MailScanner, "Microsoft Office"),
    ("proofpoint", MailScanner, "Proofpoint"),
    ("urldefense", MailScanner, "Proofpoint"),
    ("mimecast", MailScanner, "Mimecast"),
    ("barracuda", MailScanner, "Barracuda"),
    ("ironport", MailScanner, "Cisco Secure Email"),
    ("ciscosecureemail", MailScanner, "Cisco Secure Email"),
    ("messagelabs", MailScanner, "Symantec"),
    ("trendmicro", MailScanner, "Trend Micro"),
    ("fortimail", MailScanner, "FortiMail"),
    ("sophos", MailScanner, "Sophos"),
    ("googlebot", Crawler, "Google"),
    ("googleother", Crawler, "Google"),
    ("google-inspectiontool", Crawler, "Google"),
    ("adsbot-google", Crawler, "Google"),
    ("mediapartners-google", Crawler, "Google"),
    ("feedfetcher-google", Crawler, "Google"),
    ("bingbot", Crawler, "Bing"),
    ("msnbot", Crawler, "Bing"),
    ("adidxbot", Crawler, "Bing"),
    ("duckduckbot", Crawler, "DuckDuckGo"),
    ("duckassistbot", Crawler, "DuckDuckGo"),
    ("slurp", Crawler, "Yahoo"),
    ("applebot", Crawler, "Apple"),
    ("yandex.com/bots", Crawler, "Yandex"),
    ("yandexbot", Crawler, "Yandex"),
    ("baiduspider", Crawler, "Baidu"),
    ("petalbot", Crawler, "Petal"),
    ("seznambot", Crawler, "Seznam"),
    ("qwantify", Crawler, "Qwant"),
    ("qwantbot", Crawler, "Qwant"),
    ("mojeekbot", Crawler, "Mojeek"),
    ("coccocbot", Crawler, "Coc Coc"),
    ("yeti/", Crawler, "Naver"),
    ("exabot", Crawler, "Exalead"),
    ("gptbot", Crawler, "OpenAI"),
    ("oai-searchbot", Crawler, "OpenAI"),
    ("chatgpt-user", Crawler, "OpenAI"),
    ("claudebot", Crawler, "Anthropic"),
    ("claude-web", Crawler, "Anthropic"),
    ("claude-user", Crawler, "Anthropic"),
    ("claude-searchbot", Crawler, "Anthropic"),
    ("anthropic-ai", Crawler, "Anthropic"),
    ("perplexitybot", Crawler, "Perplexity"),
    ("perplexity-user", Crawler, "Perplexity"),
    ("meta-externalagent", Crawler, "Meta"),
    ("meta-externalfetcher", Crawler, "Meta"),
    ("amazonbot", Crawler, "Amazon"),
    ("bytespider", Crawler, "ByteDance"),
    ("ccbot", Crawler, "Common Crawl"),
    ("cohere-ai", Crawler, "Cohere"),
    ("diffbot", Crawler, "Diffbot"),
    ("timpibot", Crawler, "Timpi"),
    ("imagesiftbot", Crawler, "ImageSift"),
    ("omgili", Crawler, "Webz.io"),
    ("ahrefsbot", Crawler, "Ahrefs"),
    ("semrushbot", Crawler, "Semrush"),
    ("mj12bot", Crawler, "Majestic"),
    ("dotbot", Crawler, "Moz"),
    ("rogerbot", Crawler, "Moz"),
    ("dataforseobot", Crawler, "DataForSEO"),
    ("blexbot", Crawler, "BLEXBot"),
    ("serpstatbot", Crawler, "Serpstat"),
    ("screaming frog", Crawler, "Screaming Frog"),
    ("ia_archiver", Crawler, "Internet Archive"),
    ("archive.org_bot", Crawler, "Internet Archive"),
    ("heritrix", Crawler, "Heritrix"),
    // What robots that keep to the custom say of themselves. Not plain "bot": a brand of phones is called Cubot.
    ("crawler", Crawler, "a crawler"),
    ("spider", Crawler, "a spider"),
    ("; +http", Crawler, "a robot"),
    ("(+http", Crawler, "a robot"),
];

/// Recognises a `User-Agent`. Looks at its first 512 bytes; allocates nothing.
pub fn recognise(user_agent: Option<&str>) -> Agent {
    let text = user_agent.unwrap_or_default().as_bytes();
    let text = text.get(..TEXT_BYTES_MAX).unwrap_or(text);
    TABLE
        .iter()
        .find(|(needle, _, _)| contains(text, needle.as_bytes()))
        .map_or(Agent { kind: AgentKind::Other, name: "" }, |(_, kind, name)| Agent { kind: *kind, name })
}

/// AS numbers from which mail scanners open links with the agent of a plain browser. The number is the platform's
/// word, not the client's. As of 2026; [`recognise_network`] looks at the organisation's name as well.
const SCANNER_SYSTEMS: &[(u32, &str)] = &[
    (13_916, "Proofpoint"),
    (15_324, "Barracuda"),
    (22_843, "Proofpoint"),
    (26_211, "Proofpoint"),
    (30_031, "Mimecast"),
    (39_588, "Mimecast"),
    (42_427, "Mimecast"),
    (52_129, "Proofpoint"),
];

/// Names of organisations that run mail scanners, in lower case.
const SCANNER_ORGANISATIONS: &[(&str, &str)] =
    &[("proofpoint", "Proofpoint"), ("mimecast", "Mimecast"), ("barracuda", "Barracuda")];

/// Microsoft's network: Safe Links, and everything that its customers run there.
const MICROSOFT: u32 = 8_075;

/// Recognises a mail scanner by where it connects from: AS number and name of the organisation. `says_fetch`: the
/// request has `Sec-Fetch-Mode`, as every browser of a person sends it; without it, a request from Microsoft's network
/// counts as Safe Links. Being taken for a scanner makes damaged links cheaper and nothing else.
pub fn recognise_network(system: Option<u32>, organisation: Option<&str>, says_fetch: bool) -> Agent {
    let name = organisation.unwrap_or_default().as_bytes();
    let name = name.get(..TEXT_BYTES_MAX).unwrap_or(name);
    let by_name = SCANNER_ORGANISATIONS.iter().find(|(needle, _)| contains(name, needle.as_bytes()));
    let by_number = SCANNER_SYSTEMS.iter().find(|(number, _)| Some(*number) == system);
    let known = by_name.map(|(_, whose)| *whose).or(by_number.map(|(_, whose)| *whose));
    let known = known.or((system == Some(MICROSOFT) && !says_fetch).then_some("Microsoft Safe Links"));
    match known {
        Some(name) => Agent { kind: MailScanner, name },
        None => Agent { kind: AgentKind::Other, name: "" },
    }
}
