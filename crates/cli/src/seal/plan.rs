//! Everything about a letter that is known before its first byte is read, checked before anything is sent.

use std::sync::Arc;

use waxseal::seal::{FragmentKey, Manifest, ManifestError, Mode, RECORD_SIZE, Sha256Sum, edge_key};
use waxseal::token::SiteKey;
use waxseal::types::{LetterId, UnixMillis, UnixSeconds};
use zeroize::Zeroizing;

use super::Sealed;
use super::encoding::Encoding;
use super::kind::Named;
use crate::address;
use crate::api::Api;
use crate::args::Seal;
use crate::error::{Error, coded};
use crate::secret::random;
use crate::upload::{EdgeTarget, S3Settings, S3Target, Target};

/// Why a letter cannot be made of these options.
#[derive(Debug, thiserror::Error, strum::IntoStaticStr)]
pub(crate) enum PlanError {
    #[error("the link needs the edge's address: give --url https://letters.example (or set WAXSEAL_URL)")]
    #[strum(to_string = "url_missing")]
    NoUrl,
    #[error("--upload {0} is not known: write `edge` or s3://BUCKET")]
    #[strum(to_string = "upload_settings")]
    Upload(String),
    #[error("{option} {rule}")]
    #[strum(to_string = "option_value")]
    Option { option: &'static str, rule: String },
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
        let option = match field {
            "subject" => "--subject",
            "customer" => "--customer",
            "reference" => "--letter",
            "file_name" => "--name",
            "media_type" => "--media-type",
            "not_after" => "--expires",
            "retention_days" => "--retention",
            _ => return Self::Manifest(error),
        };
        Self::Option { option, rule }
    }
}

/// The key of the body.
enum BodyKey {
    /// From the site's secret.
    Edge(Zeroizing<[u8; 32]>),
    /// In the link alone.
    Fragment(FragmentKey),
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
    /// Makes id, key, token and link, and checks every option.
    pub(super) fn new(
        args: &Seal,
        named: Named,
        not_after: UnixSeconds,
        site: &SiteKey,
        now: UnixMillis,
    ) -> Result<Self, Error> {
        let origin = args.edge.url.as_ref().ok_or(PlanError::NoUrl)?;
        let letter = match args.id {
            Some(id) => id,
            None => LetterId::v7(now, random()?),
        };
        let now = now.seconds();
        let token = address::token(site, letter, not_after, now)?;
        let (key, fragment, key_check) = if args.end_to_end {
            let key = FragmentKey::new(random()?);
            let (text, check) = (key.to_text(), key.check(letter));
            (BodyKey::Fragment(key), Some(text), Some(check))
        } else {
            (BodyKey::Edge(edge_key(site, letter)), None, None)
        };
        let link = address::link(origin, &token, fragment.as_ref().map(|text| text.as_str()));
        let Named { file_name, media_type, .. } = named;
        let draft = Manifest {
            v: 1,
            letter,
            format: Default::default(),
            mode: if args.end_to_end { Mode::EndToEnd } else { Mode::EdgeOpened },
            record_size: RECORD_SIZE,
            length: 1,
            sha256: Sha256Sum([0; 32]),
            media_type,
            file_name: file_name.clone(),
            subject: args.subject.clone(),
            customer: args.customer.clone(),
            reference: args.letter.clone(),
            language: args.lang.map(|lang| lang.tag().to_owned()),
            terms: args.terms,
            issued_at: now,
            not_after,
            retention_days: args.retention,
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

    /// Where it goes; no call is made.
    pub(super) fn target(&self, args: &Seal, site: &SiteKey) -> Result<Arc<dyn Target>, Error> {
        let place = args.upload.upload.as_str();
        if place == "edge" {
            let origin = args.edge.url.clone().ok_or(PlanError::NoUrl)?;
            let api = Api::new(origin, site, args.edge.retries)?;
            return Ok(Arc::new(EdgeTarget { api, letter: self.letter }));
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
        Ok(Arc::new(S3Target::new(&settings, self.letter)?))
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
