//! `waxseal erase --customer`: every letter of one customer.

use std::borrow::Cow;
use std::io::{self, Read};
use std::time::Duration;

use serde_json::json;
use waxseal::api::{CustomerCount, CustomerCounts, CustomerErase, CustomerErasing, op};
use waxseal::token::customer_reference;
use waxseal::types::UnixMillis;

use super::near::nfc;
use super::{Args, confirm, near};
use crate::api::Api;
use crate::error::{Error, coded};
use crate::output::{Output, count, line};

/// So many answers without anything erased, and the rest is left to the edge.
const MAX_IDLE_ROUNDS: u32 = 3;

/// Between two questions while nothing gets on.
const POLL_INTERVAL: Duration = Duration::from_secs(2);

/// More than a reference and a line's end ever take.
const MAX_INPUT: u64 = 4 * 1024;

/// Why the customer is not known.
#[derive(Debug, thiserror::Error, strum::IntoStaticStr)]
pub(crate) enum CustomerError {
    #[error("the reference could not be read from standard input: {0}")]
    #[strum(to_string = "input_failed")]
    Input(#[from] io::Error),
    #[error("this reference names nobody: it is empty, or a placeholder such as null")]
    #[strum(to_string = "customer_nobody")]
    Nobody,
}

coded!(CustomerError: usage);

pub(super) async fn run(reference: &str, args: &Args, output: Output) -> Result<(), Error> {
    let api = args.edge.api(output)?;
    let reference = read(reference)?;
    // Not the reference: it is personal, and screens are photographed.
    confirm(&format!("every letter of this customer at {}", api.origin()), args.yes, output)?;
    let first = ask(&api, reference.clone(), None).await?;
    // The same moment in every further question: what is sealed meanwhile was not meant.
    let (mut erased, mut left, mut idle) = (first.erased, first.left, 0);
    while left > 0 && idle < MAX_IDLE_ROUNDS {
        let next = ask(&api, reference.clone(), Some(first.before)).await?;
        idle = if next.erased == 0 { idle + 1 } else { 0 };
        (erased, left) = (erased + next.erased, next.left);
        if idle > 0 && idle < MAX_IDLE_ROUNDS {
            tokio::time::sleep(POLL_INTERVAL).await;
        }
    }
    let letters = first.letters.max(erased + left);
    let mut answer = json!({
        "letters": letters, "erased": letters - left, "left": left, "before": first.before, "earlier": first.earlier,
    });
    if letters == 0 && first.earlier == 0 {
        let near = look_around(&api, &reference).await;
        let list = near.iter().map(|(customer, letters)| json!({ "customer": customer, "letters": letters }));
        if let Some(answer) = answer.as_object_mut() {
            answer.insert("near".to_owned(), list.collect());
        }
        output.answer(&answer, "")?;
        let message = format!(
            "no letter of this customer is known at {}, so nothing was erased. The request is on record: letters issued \
             before now that the edge finds later are erased when it finds them{}",
            api.origin(),
            near_words(&near)
        );
        return Err(Error::failed("customer_unknown", message));
    }
    output.answer(&answer, &words(letters, left, first.earlier))?;
    // The edge goes on, but whoever has to know that it is done cannot rely on that yet.
    if left == 0 {
        return Ok(());
    }
    Err(Error::failed(
        "erasure_unfinished",
        format!("{left} letters are not erased yet: ask again in a while"),
    ))
}

async fn ask(api: &Api, customer: String, before: Option<UnixMillis>) -> Result<CustomerErasing, Error> {
    Ok(api.call::<op::EraseCustomer>(&[], CustomerErase { customer, before }).await?)
}

/// So many references go into one question.
const MAX_PER_CALL: usize = 24;

/// The references nearly like this one that have letters, and how many. An edge that cannot be asked knows none: what matters was
/// said.
async fn look_around(api: &Api, reference: &str) -> Vec<(String, usize)> {
    let mut found = Vec::new();
    for some in near::near(reference).chunks(MAX_PER_CALL) {
        let request = CustomerCount { customers: some.to_vec() };
        let counted = api.call::<op::CountCustomers>(&[], request).await;
        let Ok(CustomerCounts { letters }) = counted else { break };
        found.extend(some.iter().cloned().zip(letters).filter(|(_, letters)| *letters > 0));
    }
    found
}

fn near_words(near: &[(String, usize)]) -> String {
    let name =
        |(name, letters): &(String, usize)| format!("{} ({})", line(name), count(*letters as u64, "letter"));
    let names: Vec<_> = near.iter().map(name).collect();
    if names.is_empty() { String::new() } else { format!(". Is one of these meant? {}", names.join(", ")) }
}

fn words(letters: u64, left: u64, earlier: u64) -> String {
    let later = "Letters issued before now that the edge finds later are erased when it finds them.";
    match (letters, left) {
        (0, _) if earlier == 1 => format!("The 1 letter of this customer was erased earlier. {later}"),
        (0, _) => format!("All {earlier} letters of this customer were erased earlier. {later}"),
        (1, 0) => format!("1 letter is erased. {later}"),
        (_, 0) => format!("{letters} letters are erased. {later}"),
        _ => format!(
            "{} of {letters} letters are erased. The edge goes on with the other {left} by itself; ask again to see how far it is.",
            letters - left
        ),
    }
}

/// The reference as given, or from standard input for `-`: an argument stays in the shell's history.
pub(crate) fn read(given: &str) -> Result<String, CustomerError> {
    let mut text = given.to_owned();
    if given == "-" {
        text.clear();
        io::stdin().lock().take(MAX_INPUT).read_to_string(&mut text)?;
    }
    customer_reference(&text, nfc).map(Cow::into_owned).ok_or(CustomerError::Nobody)
}
