//! A real S3 server for tests: `s3s-fs`, which checks every signature.

// Every test program uses a part of this.
#![allow(dead_code)]

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use super::support::Desk;

/// The server on a free port of this machine, with an empty bucket; gone with the test.
pub(crate) struct Server {
    pub(crate) process: Child,
    folder: tempfile::TempDir,
    address: SocketAddr,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Server {
    pub(crate) fn start() -> Self {
        let program =
            std::env::var_os("WAXSEAL_S3_SERVER").expect("WAXSEAL_S3_SERVER names the server's program");
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("letters")).unwrap();
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let process = Command::new(program)
            .args(["--host", "127.0.0.1", "--port", &address.port().to_string()])
            .args(["--access-key", "tester", "--secret-key", "a-secret-for-tests"])
            .arg(folder.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut server = Self { process, folder, address };
        while TcpStream::connect(server.address).is_err() {
            assert!(server.process.try_wait().unwrap().is_none(), "the S3 server ended");
            std::thread::yield_now();
        }
        server
    }

    /// A folder to seal in, with the credentials of this server.
    pub(crate) fn desk(&self) -> Desk {
        Desk::new()
            .with("AWS_ACCESS_KEY_ID", "tester")
            .with("AWS_SECRET_ACCESS_KEY", "a-secret-for-tests")
            .with("AWS_ENDPOINT_URL_S3", &format!("http://{}", self.address))
            .with("WAXSEAL_URL", "https://letters.example")
    }

    pub(crate) fn object(&self, letter: &str, name: &str) -> PathBuf {
        self.folder.path().join("letters/letters").join(letter).join(name)
    }

    /// Objects of letters in the bucket and parts of unfinished uploads beside it.
    pub(crate) fn leftovers(&self) -> Vec<PathBuf> {
        let mut found = Vec::new();
        walk(self.folder.path(), &mut found);
        found.retain(|path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            name == "body" || name == "manifest" || name.contains("upload")
        });
        found
    }
}

fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        if entry.path().is_dir() {
            walk(&entry.path(), found);
        } else {
            found.push(entry.path());
        }
    }
}
