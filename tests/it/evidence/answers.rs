//! Which answers there are receipts for.

use waxseal::evidence::receipt::answers;
use waxseal::ledger::Kind::{self, *};

use super::letters::{chain, rows};

#[test]
fn a_no_that_was_undone_has_no_receipt() {
    for (kinds, expected) in [
        (&[][..], &[][..]),
        (&[ConsentGiven], &[(1, None)]),
        (&[ConsentGiven, Opened, ConsentGiven, ConsentWithdrawn], &[(1, Some(4)), (3, Some(4))]),
        (&[ConsentGiven, ConsentWithdrawn, WithdrawalRevoked], &[(1, None)]),
        (
            &[ConsentGiven, ConsentWithdrawn, WithdrawalRevoked, ConsentGiven, ConsentWithdrawn],
            &[(1, Some(5)), (4, Some(5))],
        ),
        (&[ConsentRefused], &[(1, None)]),
        (&[ConsentRefused, RefusalRevoked], &[]),
        (&[ConsentRefused, RefusalRevoked, ConsentGiven], &[(3, None)]),
        (&[ConsentRefused, RefusalRevoked, ConsentRefused], &[(3, None)]),
        (&[ConsentRefused, RefusalRevoked, ConsentGiven, ConsentWithdrawn], &[(3, Some(4))]),
    ] {
        let events: Vec<Kind> = [&[Sealed], kinds].concat();
        assert_eq!(answers(&rows(&chain(&events))), expected, "{kinds:?}");
    }
}
