//! An object whose length nobody knows yet: one write while it fits into a part, else parts of one size, as R2 wants them.

use super::bucket::{Letters, UploadError};
use super::error::Fault;

/// Of each part but the last: the least that R2 takes, because this much is held in memory.
const PART_BYTES: usize = 5 * 1024 * 1024;

/// An object on its way into the bucket. Nothing of it can be read before it is finished.
pub(crate) struct Upload {
    bucket: Letters,
    key: String,
    /// What was not sent yet.
    pub(crate) buffer: Vec<u8>,
    /// Its id, and the entity tags of the parts that were sent, once there are any.
    parts: Option<(String, Vec<(u16, String)>)>,
}

impl From<UploadError> for Fault {
    fn from(error: UploadError) -> Self {
        match error {
            UploadError::NoSuchUpload => Self::new("bucket_upload", "the upload is gone"),
            UploadError::BadParts => Self::new("bucket_upload", "the parts make no object"),
            UploadError::Fault(fault) => fault,
        }
    }
}

impl Upload {
    /// Nothing is sent yet.
    pub(crate) const fn new(bucket: Letters, key: String) -> Self {
        Self { bucket, key, buffer: Vec::new(), parts: None }
    }

    /// Sends what makes whole parts; call it whenever something was added to the buffer.
    pub(crate) async fn flush(&mut self) -> Result<(), Fault> {
        while self.buffer.len() > PART_BYTES {
            let mut rest = self.buffer.split_off(PART_BYTES);
            // As large as it gets, at once: growing bit by bit would hold it twice.
            rest.reserve(PART_BYTES);
            let part = core::mem::replace(&mut self.buffer, rest);
            self.send(part).await?;
        }
        Ok(())
    }

    async fn send(&mut self, part: Vec<u8>) -> Result<(), Fault> {
        let (id, sent) = match &mut self.parts {
            Some(begun) => begun,
            none => none.insert((self.bucket.begin(&self.key).await?, Vec::new())),
        };
        let number = u16::try_from(sent.len().saturating_add(1)).unwrap_or(u16::MAX);
        let etag = self.bucket.part(&self.key, id, number, part).await?;
        sent.push((number, etag));
        Ok(())
    }

    /// Makes the object of everything that was added.
    pub(crate) async fn finish(&mut self) -> Result<(), Fault> {
        let last = core::mem::take(&mut self.buffer);
        if self.parts.is_none() {
            return self.bucket.put(&self.key, last).await.map(|_| ());
        }
        self.send(last).await?;
        if let Some((id, parts)) = &self.parts {
            self.bucket.complete(&self.key, id, parts.clone()).await?;
            self.parts = None;
        }
        Ok(())
    }

    /// Leaves nothing behind: neither parts nor an object.
    pub(crate) async fn give_up(self) -> Result<(), Fault> {
        if let Some((id, _)) = &self.parts {
            match self.bucket.abort(&self.key, id).await {
                // It is complete, and no answer came of that.
                Ok(()) | Err(UploadError::NoSuchUpload) => {}
                Err(error) => return Err(error.into()),
            }
        }
        self.bucket.delete(&self.key).await
    }
}
