//! TLS 1.3 and 1.2 (RFC 8446, RFC 5246) with the aws-lc back end.

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use rustls::{
    ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    version::{TLS12, TLS13},
};

/// The settings of a TLS server with this certificate chain and key, both PEM files.
///
/// # Errors
///
/// When a file cannot be read or holds no such thing, or the key is not the certificate's.
pub fn server_config(chain: &Path, key: &Path) -> Result<Arc<ServerConfig>, TlsError> {
    let pem = |file: &Path| {
        std::fs::read(file).map_err(|source| TlsError::Unreadable { file: file.to_owned(), source })
    };
    from_pem(&pem(chain)?, &pem(key)?)
}

/// As [`server_config`], of PEM texts.
///
/// # Errors
///
/// As [`server_config`].
pub fn from_pem(chain: &[u8], key: &[u8]) -> Result<Arc<ServerConfig>, TlsError> {
    let chain: Vec<_> = CertificateDer::pem_slice_iter(chain).collect::<Result<_, _>>()?;
    if chain.is_empty() {
        return Err(TlsError::Empty);
    }
    let key = PrivateKeyDer::from_pem_slice(key)?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&TLS13, &TLS12])?
        .with_no_client_auth()
        .with_single_cert(chain, key)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

/// Makes aws-lc the process's back end, for libraries that ask for a default one. Safe to call again.
pub fn install_provider() {
    let _already_installed = rustls::crypto::aws_lc_rs::default_provider().install_default();
}

/// Why TLS cannot start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// The chain's file holds no certificate.
    #[error("the file of http.tls_certificate holds no CERTIFICATE block")]
    Empty,
    /// Not PEM, or no private key in it.
    #[error("the TLS certificate or key is not readable PEM")]
    Pem(#[from] rustls::pki_types::pem::Error),
    /// The key is not the certificate's, or of a kind that TLS does not know.
    #[error("the TLS certificate and key cannot be used together")]
    Refused(#[from] rustls::Error),
    /// The file cannot be read.
    #[error("{} cannot be read", file.display())]
    Unreadable {
        /// Which file.
        file: PathBuf,
        /// Why.
        source: io::Error,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_pem_is_refused_in_words() {
        assert!(matches!(from_pem(b"", b""), Err(TlsError::Empty)));
        assert!(matches!(
            from_pem(b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", b"no key"),
            Err(TlsError::Pem(_))
        ));
        assert!(matches!(
            server_config(Path::new("/nowhere"), Path::new("/")),
            Err(TlsError::Unreadable { .. })
        ));
    }
}
