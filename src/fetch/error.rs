//! Why nothing was brought.

use std::{error::Error, net::IpAddr, sync::Arc};

use super::guard::{Forbidden, ForbiddenPort};

/// Why nothing was brought.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FetchError {
    /// The address is not one that kyso follows: http and https, a host, no user name.
    #[error("{url} is not an address to fetch from: {reason}")]
    Address {
        /// The address.
        url: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The connection failed or broke.
    #[error("the connection to {url} failed")]
    Connection {
        /// The address.
        url: String,
        /// What the network said.
        source: Arc<dyn Error + Send + Sync>,
    },
    /// Bytes came, but not what was asked for.
    #[error("{url} did not answer with {wanted}: {reason}")]
    Content {
        /// The address.
        url: String,
        /// What was asked for.
        wanted: &'static str,
        /// What the reader met.
        reason: String,
    },
    /// The guard held it back.
    #[error(
        "{url} leads to {address}, which is not a public address; if it is a server of your own network, \
         put its host on the list of allowed hosts"
    )]
    Forbidden {
        /// The address.
        url: String,
        /// What its host resolved to.
        address: IpAddr,
    },
    /// The name has no address.
    #[error("the host of {url} was not found")]
    HostNotFound {
        /// The address.
        url: String,
    },
    /// The OCSP answer belongs to another question: it repeats another nonce than the one that was sent.
    #[error("{url} repeated another nonce than the one it was asked with")]
    Nonce {
        /// The address.
        url: String,
    },
    /// The guard held it back: other protocols live there.
    #[error(
        "{url} names port {port}, where other protocols live; if it is a server of your own network, \
         put its host on the list of allowed hosts"
    )]
    Port {
        /// The address.
        url: String,
        /// The port.
        port: u16,
    },
    /// The server answered, but not with what was asked for.
    #[error("{url} answered with HTTP status {status}")]
    Status {
        /// The address.
        url: String,
        /// The status code.
        status: u16,
    },
    /// No answer in time.
    #[error("{url} did not answer in time")]
    Timeout {
        /// The address.
        url: String,
    },
    /// More bytes than such an answer has.
    #[error("{url} answered with more than {limit} bytes")]
    TooLong {
        /// The address.
        url: String,
        /// The bound, in bytes.
        limit: u64,
    },
}

impl FetchError {
    /// Whether another try may go better.
    pub(super) fn may_pass(&self) -> bool {
        match self {
            Self::Connection { .. } => true,
            Self::Status { status, .. } => matches!(status, 429 | 502 | 503 | 504),
            _ => false,
        }
    }

    pub(super) fn timeout(url: &str) -> Self {
        Self::Timeout { url: url.to_owned() }
    }

    pub(super) fn from_ureq(url: &str, limit: u64, error: ureq::Error) -> Self {
        let url = url.to_owned();
        match error {
            ureq::Error::BodyExceedsLimit(_) => Self::TooLong { url, limit },
            ureq::Error::HostNotFound => Self::HostNotFound { url },
            ureq::Error::Timeout(_) => Self::Timeout { url },
            ureq::Error::Other(source) => {
                if let Some(forbidden) = source.downcast_ref::<Forbidden>() {
                    Self::Forbidden { url, address: forbidden.0 }
                } else if let Some(forbidden) = source.downcast_ref::<ForbiddenPort>() {
                    Self::Port { url, port: forbidden.0 }
                } else {
                    Self::Connection { url, source: source.into() }
                }
            }
            error => Self::Connection { url, source: Arc::new(error) },
        }
    }
}
