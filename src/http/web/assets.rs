//! Our own style sheet, scripts and pictures, inside the program.

use axum::{
    extract::Path,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};

use super::super::problem::{self, Problem};
use crate::base::Sha256;

/// `GET /assets/{name}`
pub(in super::super) async fn asset(Path(name): Path<String>, headers: HeaderMap) -> Response {
    let Some(asset) = ASSETS.iter().find(|asset| asset.name == name) else {
        return Problem::new(&problem::ROUTE_NOT_FOUND).into_response();
    };
    let tag = format!("\"{}\"", asset.fingerprint());
    let mut response =
        if headers.get(header::IF_NONE_MATCH).is_some_and(|known| known.as_bytes() == tag.as_bytes()) {
            StatusCode::NOT_MODIFIED.into_response()
        } else {
            ([(header::CONTENT_TYPE, asset.kind)], asset.bytes).into_response()
        };
    let headers = response.headers_mut();
    // The address carries the fingerprint, so that another version has another address.
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=86400"));
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        headers.insert(header::ETAG, tag);
    }
    response
}

/// `GET /favicon.ico`, for browsers that ask without being told.
pub(in super::super) async fn favicon(headers: HeaderMap) -> Response {
    asset(Path("kyso.svg".to_owned()), headers).await
}

/// The address of an asset, with its fingerprint.
pub(super) fn address(name: &str) -> String {
    let fingerprint = ASSETS.iter().find(|asset| asset.name == name).map(Asset::fingerprint);
    format!("/assets/{name}?v={}", fingerprint.unwrap_or_default())
}

struct Asset {
    name: &'static str,
    kind: &'static str,
    bytes: &'static [u8],
}

impl Asset {
    fn fingerprint(&self) -> String {
        Sha256::of(self.bytes).to_hex()[..12].to_owned()
    }
}

const ASSETS: &[Asset] = &[
    Asset {
        name: "docs.js",
        kind: "text/javascript; charset=utf-8",
        bytes: include_bytes!("../../../assets/docs.js"),
    },
    Asset {
        name: "kyso.css",
        kind: "text/css; charset=utf-8",
        bytes: include_bytes!("../../../assets/kyso.css"),
    },
    Asset { name: "kyso.svg", kind: "image/svg+xml", bytes: include_bytes!("../../../assets/kyso.svg") },
    Asset {
        name: "verify.js",
        kind: "text/javascript; charset=utf-8",
        bytes: include_bytes!("../../../assets/verify.js"),
    },
];
