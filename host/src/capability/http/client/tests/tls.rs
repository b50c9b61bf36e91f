//! Certificates that are not trusted end the connection before a byte of the request leaves.

use std::{
    fs,
    io::{Read, Write},
    net::TcpListener,
    path::Path,
    process::Command,
    sync::mpsc,
    thread,
};

use rustls::{
    ServerConfig, ServerConnection, StreamOwned,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};

use super::*;

/// An authority and a certificate it issued for `localhost`, made by the `openssl` command.
struct Issued {
    directory: tempfile::TempDir,
}

impl Issued {
    fn new() -> Self {
        let issued = Self { directory: tempfile::tempdir().unwrap() };
        let (ca, ca_key) = (issued.path("ca.pem"), issued.path("ca.key"));
        let key = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"];
        openssl(&[&key[..], &["-subj", "/CN=test authority", "-keyout", &ca_key, "-out", &ca]].concat());
        let (leaf, leaf_key) = (issued.path("leaf.pem"), issued.path("leaf.key"));
        let names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"];
        let usage = ["-addext", "basicConstraints=critical,CA:FALSE", "-CA", &ca, "-CAkey", &ca_key];
        openssl(&[&key[..], &names, &usage, &["-keyout", &leaf_key, "-out", &leaf]].concat());
        issued
    }

    fn path(&self, name: &str) -> String {
        self.directory.path().join(name).to_str().unwrap().to_owned()
    }

    fn ca(&self) -> Ca {
        Ca::from_pem(&fs::read(Path::new(&self.path("ca.pem"))).unwrap()).unwrap()
    }

    /// Serves one connection a message, and says how many plaintext bytes each brought.
    fn serve(&self) -> (u16, mpsc::Receiver<usize>) {
        let certificate = CertificateDer::from_pem_file(self.path("leaf.pem")).unwrap();
        let key = PrivateKeyDer::from_pem_file(self.path("leaf.key")).unwrap();
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate], key)
            .unwrap();
        let config = Arc::new(config);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let (told, received) = mpsc::channel();
        thread::spawn(move || {
            while let Ok((stream, _)) = listener.accept() {
                let mut stream = StreamOwned::new(ServerConnection::new(config.clone()).unwrap(), stream);
                let mut buffer = [0; 4096];
                let read = stream.read(&mut buffer).unwrap_or(0);
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok");
                if told.send(read).is_err() {
                    return;
                }
            }
        });
        (port, received)
    }
}

fn openssl(args: &[&str]) {
    let done = Command::new("openssl").args(args).output();
    let done =
        done.expect("the `openssl` command is missing; this test makes certificates with it: apt-get install openssl");
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
}

fn link(pool: &ClientPool, origin: &str, ca: Option<&Ca>) -> Outlet {
    let rule = AllowRule::new(origin.parse().unwrap(), ["127.0.0.0/8".parse().unwrap()]);
    pool.outlet(&Egress::new([rule]), ca).unwrap()
}

#[tokio::test]
async fn only_a_trusted_certificate_for_the_right_name_is_taken() {
    let issued = Issued::new();
    let (port, received) = issued.serve();
    let pool = scripted([&["127.0.0.1"]]);
    let (right, wrong) = (format!("https://localhost:{port}"), format!("https://upstream.example.cn:{port}"));

    let trusted = link(&pool, &right, Some(&issued.ca()));
    assert_eq!(trusted.send(request_to("POST", &right, BODY)).await.unwrap().body, b"ok");
    assert!(received.recv().unwrap() > BODY.len());

    let other_ca = Issued::new().ca();
    for (origin, ca) in [(&right, None), (&right, Some(&other_ca)), (&wrong, Some(&issued.ca()))] {
        for (method, body) in [("POST", BODY), ("GET", b"".as_slice())] {
            let error = link(&pool, origin, ca).send(request_to(method, origin, body)).await.unwrap_err();
            assert!(matches!(error, SendError { kind: Fault::Tls(_), sent: false }), "{error:?}");
            assert!(error.to_string().contains("certificate"), "{error}");
            assert_eq!(received.recv().unwrap(), 0, "plaintext bytes sent");
        }
    }
}

#[tokio::test]
async fn a_peer_that_speaks_no_tls() {
    let plain = Peer::writing("HTTP/1.1 400 Bad Request\r\n\r\n").await;
    let closes = Peer::doing(|stream| async move { drop(stream) }).await;
    for peer in [&plain, &closes] {
        let origin = format!("https://127.0.0.1:{}", peer.port());
        // The plain one waits for a request that never comes; it is closed by the connection's own bound or by an alert.
        let request = Outgoing { deadline: soon(), ..request_to("POST", &origin, BODY) };
        let error = link(&ClientPool::new(), &origin, None).send(request).await.unwrap_err();
        assert!(matches!(error.kind, Fault::Tls(_) | Fault::Connect(_) | Fault::Timeout), "{error:?}");
        assert!(!error.sent);
    }
}

#[tokio::test]
async fn a_handshake_that_hangs_has_sent_nothing() {
    let peer = Peer::doing(|stream| async move {
        let _held = stream;
        std::future::pending().await
    })
    .await;
    let origin = format!("https://127.0.0.1:{}", peer.port());
    let request = Outgoing { deadline: soon(), ..request_to("POST", &origin, BODY) };
    let error = link(&ClientPool::new(), &origin, None).send(request).await.unwrap_err();
    assert_eq!(error, SendError { kind: Fault::Timeout, sent: false });
}

#[test]
fn a_ca_file_is_certificates_in_pem() {
    for bad in ["", "not pem", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"] {
        assert!(matches!(Ca::from_pem(bad.as_bytes()), Err(TlsError::Ca(_))), "{bad:?}");
    }
    assert!(matches!(Ca::from_pem(&vec![b'x'; (1 << 20) + 1]), Err(TlsError::Ca(_))));
}
