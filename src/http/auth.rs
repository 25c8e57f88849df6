//! Who is asking: an API key in `Authorization: Bearer kyso_…`.

use axum::{
    extract::FromRequestParts,
    http::{header, request::Parts},
};

use super::{
    App,
    problem::{self, Problem},
};
use crate::people::{Caller, Scope};

/// A caller whose key was found good. Scopes are checked by the tasks; [`Known::need`] is for what has no task.
pub(super) struct Known(pub(super) Caller);

impl Known {
    /// Refuses a caller without this scope.
    pub(super) fn need(&self, scope: Scope) -> Result<(), Problem> {
        if self.0.may(scope) { Ok(()) } else { Err(problem::scope_missing(scope)) }
    }
}

impl FromRequestParts<App> for Known {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        match presented(parts)? {
            Some(key) => known(app, key).await,
            None => Err(Problem::new(&problem::KEY_MISSING)),
        }
    }
}

/// A caller with a good key, or one without any: a key that is no good is refused all the same.
pub(super) struct MaybeKnown(pub(super) Option<Known>);

impl FromRequestParts<App> for MaybeKnown {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        match presented(parts)? {
            Some(key) => Ok(Self(Some(known(app, key).await?))),
            None => Ok(Self(None)),
        }
    }
}

async fn known(app: &App, key: &str) -> Result<Known, Problem> {
    let caller = app.service().authenticate(key).await?;
    tracing::Span::current().record("key", caller.key());
    Ok(Known(caller))
}

/// The key of the header, if there is the header (RFC 6750 section 2.1).
fn presented(parts: &Parts) -> Result<Option<&str>, Problem> {
    let Some(value) = parts.headers.get(header::AUTHORIZATION) else { return Ok(None) };
    let refused = || Problem::new(&problem::KEY_INVALID);
    let (scheme, key) = value.to_str().map_err(|_| refused())?.split_once(' ').ok_or_else(refused)?;
    if scheme.eq_ignore_ascii_case("bearer") { Ok(Some(key.trim())) } else { Err(refused()) }
}
