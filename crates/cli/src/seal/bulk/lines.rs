//! A file of lines that a crash or a full disk may cut: the last one counts once its end is there.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};

/// The whole lines from here on. Bytes: what is cut may be cut inside a character.
pub(super) fn read(file: &mut File) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    bytes.truncate(bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1));
    Ok(bytes)
}

/// Takes off what follows the whole lines, so that the next one begins there.
pub(super) fn cut(file: &mut File, whole: usize) -> io::Result<()> {
    file.set_len(whole as u64)?;
    file.seek(SeekFrom::End(0)).map(drop)
}

/// Writes lines at the end, all of them or none: the next one must not begin in the middle of a line.
pub(super) fn append(file: &mut File, lines: &str) -> io::Result<()> {
    let before = file.stream_position()?;
    file.write_all(lines.as_bytes()).inspect_err(|_| {
        let _ = file.set_len(before).and_then(|()| file.seek(SeekFrom::Start(before)));
    })
}
