use serde_json::{Value, json};
use waxseal::ledger::{Actor, EventId, Kind};
use waxseal::types::{LetterId, UnixMillis, UnixSeconds};
use waxseal::webhook::{EventType, Message, SiteEvent, WebhookId};

const AT: UnixMillis = UnixMillis(1_796_040_000_000);

fn body(message: &Message) -> Value {
    serde_json::from_str(&message.body).unwrap()
}

#[test]
fn a_program_that_fetches_is_never_a_person_who_opens() {
    for actor in Actor::ALL.iter().copied() {
        assert_eq!(EventType::of(Kind::Fetched, actor), EventType::LetterFetchedByRobot, "{actor}");
        let opened = EventType::of(Kind::Opened, actor);
        assert_eq!(opened == EventType::LetterOpenedByPerson, actor == Actor::Recipient, "{actor}");
    }
}

#[test]
fn every_kind_of_event_has_a_word_of_its_own() {
    let mut words: Vec<_> =
        Kind::ALL.iter().map(|kind| EventType::of(*kind, Actor::Recipient).as_str()).collect();
    assert!(words.iter().all(|word| word.starts_with("letter.")));
    words.sort_unstable();
    words.dedup();
    assert_eq!(words.len(), Kind::ALL.len());
    let of_the_site = ["guard.network_banned", "webhook.failing", "webhook.test"];
    assert_eq!(EventType::ALL.len(), words.len() + of_the_site.len());
    assert!(of_the_site.iter().all(|word| word.parse::<EventType>().is_ok()));
}

#[test]
fn a_message_says_ids_kind_and_time_and_nothing_else() {
    let (letter, id) = (LetterId::v7(AT, [1; 10]), EventId::v7(AT, [2; 10]));
    let message = Message::of_letter(letter, 3, id, Kind::Opened, AT, Actor::Recipient);
    assert_eq!((message.id, message.letter), (id, Some(letter)));
    let data = json!({ "letter": letter, "event": id, "seq": 3, "actor": "recipient" });
    let whole =
        json!({ "type": "letter.opened_by_person", "timestamp": "2026-11-30T12:00:00.000Z", "data": data });
    assert_eq!(body(&message), whole);

    let banned = |network: &str| SiteEvent::network_banned(id, AT, network.parse().unwrap(), UnixSeconds(7));
    let event = banned("192.0.2.0/24");
    let message = Message::of_site(&event);
    assert_eq!(message.letter, None);
    let data = json!({ "event": id, "network": "192.0.2.0/24", "until": 7 });
    assert_eq!(body(&message)["data"], data);
    assert!(banned("2001:db8::/48").network.is_some());
    assert_eq!(banned("2001:db8::/56").network, None, "that may be one household's");
    let webhook = Some(WebhookId::v7(AT, [3; 10]));
    let failing = SiteEvent { kind: EventType::WebhookFailing, network: None, until: None, webhook, ..event };
    assert_eq!(body(&Message::of_site(&failing))["data"], json!({ "event": id, "webhook": webhook }));
    assert_eq!(serde_json::from_value::<SiteEvent>(json!(failing)).unwrap(), failing);
}
