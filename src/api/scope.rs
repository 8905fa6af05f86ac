//! What a key of the API may do.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::schema::Described;

macro_rules! scopes {
    ($($(#[$doc:meta])* $name:ident = $bit:literal $text:literal,)*) => {
        /// What a key may do, one thing. The key of the site, derived from its keyring, may do everything.
        #[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
        #[serde(rename_all = "lowercase")]
        pub enum Scope { $($(#[$doc])* $name = $bit,)* }

        impl Scope {
            /// Every one.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// As it is written everywhere.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text),* }
            }
        }
    };
}

scopes! {
    /// Upload letters, and nothing else: such a key reads no letter, so it may stand in a kiosk.
    Create = 1 "create",
    /// Look at letters and at how the site does.
    Watch = 2 "watch",
    /// End letters.
    Cancel = 4 "cancel",
    /// Export what proves what happened.
    Evidence = 8 "evidence",
    /// See and change what the guard does.
    Guard = 16 "guard",
    /// Everything else, the keys among it.
    Admin = 32 "admin",
}

impl core::str::FromStr for Scope {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let found = Self::ALL.iter().find(|scope| scope.as_str() == text);
        found.copied().ok_or("a scope is create, watch, cancel, evidence, guard or admin")
    }
}

impl Described for Scope {
    fn schema() -> Value {
        json!({ "type": "string", "enum": Self::ALL.iter().map(|scope| scope.as_str()).collect::<Vec<_>>() })
    }
}

/// Everything that one key may do. Travels as a list.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(from = "Vec<Scope>", into = "Vec<Scope>")]
pub struct Scopes(u8);

impl Scopes {
    /// Those of the site's own key.
    pub const ALL: Self = Self(0b11_1111);

    /// As [`Self::bits`] gave them.
    pub const fn from_bits(bits: u8) -> Self {
        Self(bits & Self::ALL.0)
    }

    /// For storage.
    pub const fn bits(self) -> u8 {
        self.0
    }

    /// Whether all of these are among them.
    pub const fn hold(self, others: Self) -> bool {
        self.0 & others.0 == others.0
    }

    /// Whether there are none.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }
}

impl From<Scope> for Scopes {
    fn from(scope: Scope) -> Self {
        Self(scope as u8)
    }
}

impl From<Vec<Scope>> for Scopes {
    fn from(scopes: Vec<Scope>) -> Self {
        Self(scopes.into_iter().fold(0, |bits, scope| bits | scope as u8))
    }
}

impl From<Scopes> for Vec<Scope> {
    fn from(scopes: Scopes) -> Self {
        Scope::ALL.iter().copied().filter(|scope| scopes.hold((*scope).into())).collect()
    }
}

impl Described for Scopes {
    fn schema() -> Value {
        Vec::<Scope>::schema()
    }
}
