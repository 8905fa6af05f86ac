//! Everything about a letter that is known before its first byte is read, checked before anything is sent.

use std::path::PathBuf;
use std::sync::Arc;

use waxseal::lang::Lang;
use waxseal::seal::{FragmentKey, Manifest, ManifestError, Mode, RECORD_SIZE, Sha256Sum, edge_key};
use waxseal::token::SiteKey;
use waxseal::types::{LetterId, UnixSeconds};
use zeroize::Zeroizing;

use super::Sealed;
use super::encoding::Encoding;
use super::kind::Named;
use crate::address::{self, AddressError};
use crate::api::Api;
use crate::args::Seal;
use crate::error::{Error, coded};
use crate::origin::Origin;
use crate::secret::random;
use crate::upload::{EdgeTarget, S3Bucket, S3Settings, Target};

/// Why a letter cannot be made of what is said of it.
#[derive(Debug, thiserror::Error)]
pub(super) enum PlanFailure {
    #[error(transparent)]
    Address(#[from] AddressError),
    #[error(transparent)]
    Plan(#[from] PlanError),
}

impl From<PlanFailure> for Error {
    fn from(failure: PlanFailure) -> Self {
        match failure {
            PlanFailure::Address(error) => error.into(),
            PlanFailure::Plan(error) => error.into(),
        }
    }
}

/// Why a letter cannot be made of these options.
#[derive(Debug, thiserror::Error, strum::IntoStaticStr)]
pub(crate) enum PlanError {
    #[error("the link needs the edge's address: give --url https://letters.example (or set WAXSEAL_URL)")]
    #[strum(to_string = "url_missing")]
    NoUrl,
    #[error("--upload {0} is not known: write `edge` or s3://BUCKET")]
    #[strum(to_string = "upload_settings")]
    Upload(String),
    #[error("{} {rule}", OPTIONS.iter().find(|(known, _)| known == field).map_or("", |(_, option)| option))]
    #[strum(to_string = "option_value")]
    Option { field: &'static str, rule: String },
    #[error("the manifest could not be made: {0}")]
    #[strum(transparent)]
    Manifest(ManifestError),
}

coded!(PlanError: usage unless Self::Manifest(_));

impl From<ManifestError> for PlanError {
    fn from(error: ManifestError) -> Self {
        let (field, rule) = match &error {
            ManifestError::Field { field, rule } => (*field, (*rule).to_owned()),
            ManifestError::Characters { field, found, why } => (*field, format!("holds {found}, {why}")),
            _ => return Self::Manifest(error),
        };
        match OPTIONS.iter().any(|(known, _)| *known == field) {
            true => Self::Option { field, rule },
            false => Self::Manifest(error),
        }
    }
}

/// The fields of a manifest that an option gives.
const OPTIONS: [(&str, &str); 7] = [
    ("subject", "--subject"),
    ("customer", "--customer"),
    ("reference", "--letter"),
    ("file_name", "--name"),
    ("media_type", "--media-type"),
    ("not_after", "--expires"),
    ("retention_days", "--retention"),
];

/// What is said of one letter: by options, or by a line of a table.
#[derive(Clone, Debug)]
pub(super) struct About {
    pub(super) file: PathBuf,
    pub(super) subject: String,
    pub(super) customer: Option<String>,
    pub(super) reference: Option<String>,
    pub(super) lang: Option<Lang>,
    pub(super) name: Option<String>,
    pub(super) media_type: Option<String>,
    pub(super) terms: Option<Sha256Sum>,
    pub(super) retention: u16,
    pub(super) end_to_end: bool,
}

impl About {
    /// As the options say; a table's line says the rest.
    pub(super) fn of(args: &Seal) -> Self {
        Self {
            file: args.file.clone().unwrap_or_default(),
            subject: args.subject.clone().unwrap_or_default(),
            customer: args.customer.clone(),
            reference: args.letter.clone(),
            lang: args.lang,
            name: args.name.clone(),
            media_type: args.media_type.clone(),
            terms: args.terms,
            retention: args.retention,
            end_to_end: args.end_to_end,
        }
    }
}

/// Which letter it becomes: with the same of these it is the same letter with the same link.
pub(super) struct Identity {
    pub(super) letter: LetterId,
    pub(super) not_after: UnixSeconds,
    /// The key of an end-to-end letter.
    pub(super) fragment: Option<FragmentKey>,
}

/// The key of the body.
enum BodyKey {
    /// From the site's secret.
    Edge(Zeroizing<[u8; 32]>),
    /// In the link alone.
    Fragment(FragmentKey),
}

/// Where letters go.
pub(super) enum Place {
    Edge(Api),
    Bucket(S3Bucket),
}

impl Place {
    /// As the options say; no call is made.
    pub(super) fn of(args: &Seal, origin: &Origin, site: &SiteKey) -> Result<Self, Error> {
        let place = args.upload.upload.as_str();
        if place == "edge" {
            return Ok(Self::Edge(Api::new(origin.clone(), site, args.edge.retries)?));
        }
        if !place.starts_with("s3://") {
            return Err(PlanError::Upload(place.to_owned()).into());
        }
        let settings = S3Settings {
            place,
            endpoint: args.upload.s3_endpoint.as_deref(),
            region: &args.upload.s3_region,
            retries: args.edge.retries,
        };
        Ok(Self::Bucket(S3Bucket::new(&settings)?))
    }

    /// The place of one letter.
    pub(super) fn target(&self, letter: LetterId) -> Arc<dyn Target> {
        match self {
            Self::Edge(api) => Arc::new(EdgeTarget { api: api.clone(), letter }),
            Self::Bucket(bucket) => Arc::new(bucket.of(letter)),
        }
    }
}

/// A letter about to be sealed.
pub(super) struct Plan {
    pub(super) letter: LetterId,
    pub(super) not_after: UnixSeconds,
    pub(super) token: String,
    pub(super) link: Zeroizing<String>,
    pub(super) file_name: String,
    key: BodyKey,
    draft: Manifest,
}

impl Plan {
    /// Makes token and link, and checks everything that is said.
    pub(super) fn new(
        about: &About,
        named: Named,
        identity: Identity,
        origin: &Origin,
        site: &SiteKey,
        now: UnixSeconds,
    ) -> Result<Self, PlanFailure> {
        let Identity { letter, not_after, fragment } = identity;
        let token = address::token(site, letter, not_after, now)?;
        let (key, fragment, key_check) = match fragment {
            Some(key) => {
                let (text, check) = (key.to_text(), key.check(letter));
                (BodyKey::Fragment(key), Some(text), Some(check))
            }
            None => (BodyKey::Edge(edge_key(site, letter)), None, None),
        };
        let link = address::link(origin, &token, fragment.as_ref().map(|text| text.as_str()));
        let Named { file_name, media_type, .. } = named;
        let draft = Manifest {
            v: 1,
            letter,
            format: Default::default(),
            mode: if key_check.is_some() { Mode::EndToEnd } else { Mode::EdgeOpened },
            record_size: RECORD_SIZE,
            length: 1,
            sha256: Sha256Sum([0; 32]),
            media_type,
            file_name: file_name.clone(),
            subject: about.subject.clone(),
            customer: about.customer.clone(),
            reference: about.reference.clone(),
            language: about.lang.map(|lang| lang.tag().to_owned()),
            terms: about.terms,
            issued_at: now,
            not_after,
            retention_days: about.retention,
            actions: Vec::new(),
            pin: None,
            key_check,
        };
        draft.check().map_err(PlanError::from)?;
        Ok(Self { letter, not_after, token, link: Zeroizing::new(link), file_name, key, draft })
    }

    /// The input key of the body.
    pub(super) fn body_key(&self) -> &[u8] {
        match &self.key {
            BodyKey::Edge(key) => key.as_slice(),
            BodyKey::Fragment(key) => key.as_bytes(),
        }
    }

    /// What looks for the encoding, if the report is a text.
    pub(super) fn encoding(&self) -> Option<Encoding> {
        Encoding::of(&self.draft.media_type, self.draft.language.as_deref())
    }

    /// The media type of what was sealed.
    pub(super) fn media_type(&self, sealed: &Sealed) -> String {
        let media_type = &self.draft.media_type;
        sealed
            .charset
            .as_deref()
            .map_or_else(|| media_type.clone(), |label| format!("{media_type}; charset={label}"))
    }

    pub(super) const fn mode_name(&self) -> &'static str {
        self.draft.mode.as_str()
    }

    /// The manifest object of what was sealed.
    pub(super) fn manifest(&self, sealed: &Sealed, site: &SiteKey) -> Result<Vec<u8>, Error> {
        let mut manifest = self.draft.clone();
        manifest.length = sealed.length;
        manifest.sha256 = Sha256Sum(sealed.sha256);
        manifest.media_type = self.media_type(sealed);
        let object = manifest.encrypt(site, random()?).map_err(PlanError::from)?;
        Ok(object)
    }
}
