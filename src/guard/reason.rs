//! Why somebody is allowed, refused or banned: one list for snapshot, strikes, logs and `explain`.

macro_rules! coded {
    ($(#[$about:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident = $number:literal, $code:literal;)* }) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($(#[$doc])* $variant = $number,)* }

        impl $name {
            /// A stable name for logs, rows and tests.
            pub const fn code(self) -> &'static str {
                match self { $(Self::$variant => $code,)* }
            }

            /// The value of that name.
            #[allow(dead_code)]
            pub fn from_code(code: &str) -> Option<Self> {
                match code { $($code => Some(Self::$variant),)* _ => None }
            }

            /// The value that a snapshot's byte stands for.
            #[allow(dead_code)]
            pub(super) const fn from_u8(byte: u8) -> Option<Self> {
                match byte { $($number => Some(Self::$variant),)* _ => None }
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.code())
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                $crate::types::from_text(deserializer, Self::from_code)
            }
        }
    };
}
pub(super) use coded;

coded! {
    /// Why an entry of the snapshot, or a ban, exists.
    Reason {
        /// A rule for an address or network.
        NetworkRule = 1, "network_rule";
        /// A rule for an AS number.
        AsnRule = 2, "asn_rule";
        /// A rule for a country.
        CountryRule = 3, "country_rule";
        /// A rule for a user agent.
        AgentRule = 4, "agent_rule";
        /// A honeypot path.
        PathRule = 5, "path_rule";
        /// Too many damaged links.
        Damaged = 10, "damaged";
        /// Forged links.
        Forged = 11, "forged";
        /// Touched a honeypot.
        Honeypot = 12, "honeypot";
        /// Guessed at the API key.
        ApiKey = 13, "api_key";
        /// Several clients of the network are banned.
        Neighbours = 14, "neighbours";
        /// Bans were merged because the list was full.
        Merged = 15, "merged";
        /// Operators banned it by hand.
        Ops = 16, "ops";
        /// The ban was lifted.
        Lifted = 21, "lifted";
    }
}

coded! {
    /// What a client did wrong.
    StrikeKind {
        /// A path that is not a link: mistyped, cut short, or a guess.
        Damaged = 1, "damaged";
        /// A link that somebody else than the sender made.
        Forged = 2, "forged";
        /// A path that only attackers ask for.
        Honeypot = 3, "honeypot";
        /// A request to the API without a right key.
        ApiKey = 4, "api_key";
    }
}

impl StrikeKind {
    /// The reason of a ban that this strike completes.
    pub const fn reason(self) -> Reason {
        match self {
            Self::Damaged => Reason::Damaged,
            Self::Forged => Reason::Forged,
            Self::Honeypot => Reason::Honeypot,
            Self::ApiKey => Reason::ApiKey,
        }
    }
}
