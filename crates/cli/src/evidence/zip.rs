//! A bundle as one file. Zip files come from strangers, and two programs can read two different things in one of them. So what is
//! taken here is narrow: plain files, each once, without gaps from the first byte to the last, with what the archive says of
//! them true in both places where it says it. Folders around them and what file managers leave behind are put right in
//! [`package`](waxseal::evidence::bundle::package).

use std::io::Write;

use miniz_oxide::deflate::compress_to_vec;
use miniz_oxide::inflate::decompress_to_vec_with_limit;
use rawzip::path::EntryPath;
use rawzip::{CompressionMethod, ZipArchive, ZipArchiveWriter, ZipSliceArchive};
use waxseal::evidence::bundle::package::{PackageError, Unpacked, shown, unpacked};
use waxseal::evidence::bundle::{Files, MAX_BUNDLE_BYTES, MAX_BUNDLE_FILES};

/// A package holds a bundle's files, perhaps a companion of each that a file manager adds, and folders.
const MAX_ENTRIES: u64 = 3 * MAX_BUNDLE_FILES as u64;

/// What zlib calls its default.
const LEVEL: u8 = 6;

/// Why a zip file is not read.
#[derive(Debug, PartialEq, Eq, thiserror::Error, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case", prefix = "zip_")]
pub(super) enum ZipError {
    #[error("it is not a zip file, or it is damaged: {0}")]
    Malformed(String),
    #[error("it is larger than any bundle: at most {} files and {} MiB", MAX_BUNDLE_FILES, MAX_BUNDLE_BYTES >> 20)]
    TooLarge,
    #[error(transparent)]
    #[strum(transparent)]
    Package(#[from] PackageError),
    /// What the archive says in two places differs, or its parts overlap.
    #[error("{0} is packed in a way that lets two programs read two different things")]
    Ambiguous(String),
    #[error(
        "{0} is packed in a way that this program does not read: it must be stored or deflated, and not encrypted"
    )]
    Packing(String),
    #[error("{0} is damaged: its content is not the one that was packed")]
    Content(String),
}

impl ZipError {
    pub(super) fn code(&self) -> &'static str {
        self.into()
    }

    /// Whether two programs could read two different things in the package, so that it is the package that fails.
    pub(super) const fn contradicts(&self) -> bool {
        matches!(self, Self::Ambiguous(_) | Self::Package(PackageError::Twice(_)))
    }

    /// The file in the archive that it is about.
    pub(super) fn file(&self) -> Option<&str> {
        match self {
            Self::Malformed(_) | Self::TooLarge => None,
            Self::Package(error) => error.file(),
            Self::Ambiguous(name) | Self::Packing(name) | Self::Content(name) => Some(name),
        }
    }
}

impl From<rawzip::Error> for ZipError {
    fn from(error: rawzip::Error) -> Self {
        Self::Malformed(error.to_string())
    }
}

/// The files of an archive.
pub(super) fn unpack(bytes: &[u8]) -> Result<Unpacked, ZipError> {
    if bytes.len() > MAX_BUNDLE_BYTES {
        return Err(ZipError::TooLarge);
    }
    let archive = ZipArchive::from_slice(bytes)?;
    if archive.end_offset() != bytes.len() as u64 {
        return Err(ZipError::Malformed("there is something behind its end".to_owned()));
    }
    let (mut files, mut folders) = (Vec::new(), Vec::new());
    // Where each file begins and ends, and what may still come out.
    let (mut places, mut left) = (Vec::new(), MAX_BUNDLE_BYTES);
    let mut entries = archive.entries();
    let mut seen = 0u64;
    while let Some(entry) = entries.next_entry()? {
        seen += 1;
        if seen > MAX_ENTRIES {
            return Err(ZipError::TooLarge);
        }
        // What stands in for bytes that are no text is looked at as a name that hides.
        let name = String::from_utf8_lossy(entry.file_path().as_bytes()).into_owned();
        let (content, end) = content(&archive, &entry, &shown(&name), left)?;
        left = left.saturating_sub(content.len());
        places.push((entry.local_header_offset(), end, shown(&name)));
        match name.strip_suffix(['/', '\\']) {
            Some(_) if !content.is_empty() => return Err(ZipError::Ambiguous(shown(&name))),
            Some(folder) => folders.push(folder.to_owned()),
            None => files.push((name, content)),
        }
    }
    // The list may be in another order than the files lie in; but they lie one behind the other.
    places.sort_unstable();
    let mut next = 0;
    for (begin, end, name) in places {
        if begin != next || end <= begin {
            return Err(ZipError::Ambiguous(name));
        }
        next = end;
    }
    if seen != archive.entries_hint() || next != archive.directory_offset() {
        return Err(ZipError::Malformed("its list of files is not complete".to_owned()));
    }
    Ok(unpacked(files, folders)?)
}

/// One file's content, of at most `left` bytes, and where it ends in the archive.
fn content(
    archive: &ZipSliceArchive<&[u8]>,
    entry: &rawzip::ZipFileHeaderRecord<'_>,
    name: &str,
    left: usize,
) -> Result<(Vec<u8>, u64), ZipError> {
    let found = archive.get_entry(entry.wayfinder())?;
    let local = found.local_header();
    let method = entry.compression_method();
    let same = local.file_path().as_bytes() == entry.file_path().as_bytes()
        && local.compression_method() == method
        && local.flags() == entry.flags();
    // What a streaming reader would believe; zeros where the sizes stand behind the content.
    let sizes = (local.crc32(), local.compressed_size_hint(), local.uncompressed_size_hint());
    let behind = entry.flags().has_data_descriptor();
    let expected = (entry.crc32(), entry.compressed_size_hint(), entry.uncompressed_size_hint());
    let agreed = sizes == expected || (behind && sizes == (0, 0, 0));
    if !same || !agreed {
        return Err(ZipError::Ambiguous(name.to_owned()));
    }
    if entry.flags().is_encrypted() {
        return Err(ZipError::Packing(name.to_owned()));
    }
    let length = usize::try_from(entry.uncompressed_size_hint()).map_err(|_| ZipError::TooLarge)?;
    if length > left {
        return Err(ZipError::TooLarge);
    }
    let damaged = || ZipError::Content(name.to_owned());
    let content = match method {
        CompressionMethod::STORE => found.data().to_vec(),
        CompressionMethod::DEFLATE => {
            // No more than was announced comes out, whatever is inside.
            decompress_to_vec_with_limit(found.data(), length).map_err(|_| damaged())?
        }
        _ => return Err(ZipError::Packing(name.to_owned())),
    };
    if content.len() != length || rawzip::crc32(&content) != entry.crc32() {
        return Err(damaged());
    }
    let (_, mut end) = found.compressed_data_range();
    if let Some(descriptor) = found.data_descriptor()? {
        let says = (descriptor.crc32(), descriptor.compressed_size(), descriptor.uncompressed_size());
        if says != expected {
            return Err(ZipError::Ambiguous(name.to_owned()));
        }
        end = end.saturating_add(descriptor_bytes(archive.get_ref(), end));
    }
    Ok((content, end))
}

/// The length of the record behind a file's content: three numbers of four bytes, mostly with a signature ahead.
fn descriptor_bytes(bytes: &[u8], at: u64) -> u64 {
    let at = usize::try_from(at).unwrap_or(usize::MAX);
    let signed = bytes.get(at..).is_some_and(|rest| rest.starts_with(b"PK\x07\x08"));
    if signed { 16 } else { 12 }
}

/// The archive of these files: in the order of their names, without times, so that the same files give the same bytes.
pub(super) fn pack(files: &Files) -> Result<Vec<u8>, ZipError> {
    let mut bytes = Vec::new();
    let mut archive = ZipArchiveWriter::new(&mut bytes);
    for (name, content) in files {
        let path = EntryPath::verbatim(name.as_bytes());
        let (mut entry, config) =
            archive.new_file(path).compression_method(CompressionMethod::DEFLATE).start()?;
        let packed = compress_to_vec(content, LEVEL);
        entry.write_all(&packed).map_err(|error| ZipError::Malformed(error.to_string()))?;
        let mut writer = config.wrap(std::io::sink());
        writer.write_all(content).map_err(|error| ZipError::Malformed(error.to_string()))?;
        let (_, descriptor) = writer.finish()?;
        entry.finish(descriptor)?;
    }
    archive.finish()?;
    Ok(bytes)
}
