//! `Idempotency-Key` (draft-ietf-httpapi-idempotency-key-header): trying again does not do it again.
//!
//! Tasks that create rows keep the key with the row, so that a repetition is recognised after a restart and on any
//! node. This file adds what they cannot: the first answer again, word for word, and 409 while the first is running.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use axum::{
    extract::FromRequestParts,
    http::{HeaderValue, StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
};
use serde::Serialize;

use super::{
    App,
    problem::{self, Problem},
};
use crate::{
    base::{Id, Sha256},
    people::Caller,
};

/// The header, which has to be there: a UUID, in quotes as a structured-field string or without.
#[derive(Clone, Debug)]
pub(super) struct IdempotencyKey(String);

impl IdempotencyKey {
    /// As the tasks keep it.
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// The identifier of the one thing that this request makes.
    pub(super) fn id<T>(&self) -> Option<Id<T>> {
        self.0.parse().ok()
    }
}

impl FromRequestParts<App> for IdempotencyKey {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _app: &App) -> Result<Self, Problem> {
        let Some(value) = parts.headers.get("idempotency-key") else {
            return Err(Problem::new(&problem::IDEMPOTENCY_MISSING));
        };
        let text = value.to_str().unwrap_or_default().trim();
        let text = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text);
        match text.parse::<Id<Self>>() {
            Ok(key) => Ok(Self(key.to_string())),
            Err(_) => Err(Problem::new(&problem::IDEMPOTENCY_MISSING)
                .because("Giá trị không phải là UUID.", "The value is not a UUID.")),
        }
    }
}

/// A success, kept for repetitions.
#[derive(Clone, Debug)]
pub(super) struct Reply {
    status: StatusCode,
    location: Option<String>,
    body: Arc<[u8]>,
}

impl Reply {
    /// Something was made, and can be read at `location` if it has one.
    pub(super) fn created(
        location: impl Into<Option<String>>,
        body: &impl Serialize,
    ) -> Result<Self, Problem> {
        Self::new(StatusCode::CREATED, location.into(), body)
    }

    /// Something was done.
    pub(super) fn done(body: &impl Serialize) -> Result<Self, Problem> {
        Self::new(StatusCode::OK, None, body)
    }

    /// Something was taken on and is not done yet; `location` tells how it goes.
    pub(super) fn accepted(
        location: impl Into<Option<String>>,
        body: &impl Serialize,
    ) -> Result<Self, Problem> {
        Self::new(StatusCode::ACCEPTED, location.into(), body)
    }

    fn new(status: StatusCode, location: Option<String>, body: &impl Serialize) -> Result<Self, Problem> {
        let body =
            serde_json::to_vec(body).map_err(|error| Problem::new(&problem::INTERNAL).caused_by(&error))?;
        Ok(Self { status, location, body: body.into() })
    }
}

impl IntoResponse for Reply {
    fn into_response(self) -> Response {
        let mut response = (self.status, self.body.to_vec()).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if let Some(location) = self.location.and_then(|location| location.parse().ok()) {
            headers.insert(header::LOCATION, location);
        }
        response
    }
}

/// The answers of the last day, by client and key.
#[derive(Debug, Default)]
pub(super) struct Answers(Mutex<HashMap<(String, String), Known>>);

#[derive(Debug)]
struct Known {
    fingerprint: Sha256,
    since: Instant,
    /// `None` while the first request is running.
    reply: Option<Reply>,
}

/// Does `work` unless it was done before, and lets it end even when the client goes away.
///
/// A failure is not kept: nothing was made, so that the request may be tried again.
pub(super) async fn once<W>(
    app: &App,
    caller: &Caller,
    key: &IdempotencyKey,
    fingerprint: Sha256,
    work: W,
) -> Result<Reply, Problem>
where
    W: Future<Output = Result<Reply, Problem>> + Send + 'static,
{
    let place = (caller.key().to_owned(), key.0.clone());
    if let Some(reply) = app.answers().begin(&place, fingerprint, Instant::now())? {
        return Ok(reply);
    }
    let running = Running { app: app.clone(), place };
    let span = tracing::Span::current();
    let task = tokio::spawn(tracing::Instrument::instrument(
        async move {
            let reply = work.await?;
            running.app.answers().finish(&running.place, reply.clone());
            Ok(reply)
        },
        span,
    ));
    task.await.map_err(|error| Problem::new(&problem::INTERNAL).caused_by(&error))?
}

impl Answers {
    /// The answer given before, or `None` for the first to ask.
    fn begin(
        &self,
        place: &(String, String),
        fingerprint: Sha256,
        now: Instant,
    ) -> Result<Option<Reply>, Problem> {
        let mut answers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match answers.get(place) {
            Some(known) if known.fingerprint != fingerprint => {
                return Err(Problem::new(&problem::IDEMPOTENCY_CONFLICT));
            }
            Some(Known { reply: None, .. }) => {
                return Err(Problem::new(&problem::IDEMPOTENCY_IN_PROGRESS).retry_after(1));
            }
            Some(Known { reply: Some(reply), .. }) => return Ok(Some(reply.clone())),
            None => {}
        }
        if answers.len() >= MAX_ANSWERS {
            forget_oldest(&mut answers, now);
        }
        answers.insert(place.clone(), Known { fingerprint, since: now, reply: None });
        Ok(None)
    }

    fn finish(&self, place: &(String, String), reply: Reply) {
        let mut answers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = answers.get_mut(place) {
            known.reply = Some(reply);
        }
    }

    /// Lets go of a key whose work ended without an answer to keep.
    fn release(&self, place: &(String, String)) {
        let mut answers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if answers.get(place).is_some_and(|known| known.reply.is_none()) {
            answers.remove(place);
        }
    }
}

/// Forgets what is older than a day, and if that is not enough, the older half of what has its answer.
fn forget_oldest(answers: &mut HashMap<(String, String), Known>, now: Instant) {
    let age = |known: &Known| now.saturating_duration_since(known.since);
    answers.retain(|_, known| known.reply.is_none() || age(known) < DAY);
    if answers.len() >= MAX_ANSWERS {
        let mut ages: Vec<Duration> = answers.values().map(age).collect();
        let middle = ages.len() / 2;
        let (_, median, _) = ages.select_nth_unstable(middle);
        let median = *median;
        answers.retain(|_, known| known.reply.is_none() || age(known) < median);
    }
}

/// Lets go of the key when the work failed, panicked or was dropped.
struct Running {
    app: App,
    place: (String, String),
}

impl Drop for Running {
    fn drop(&mut self) {
        self.app.answers().release(&self.place);
    }
}

const DAY: Duration = Duration::from_hours(24);
/// At some 2 kB an answer, 20 MB.
const MAX_ANSWERS: usize = 10_000;

#[cfg(test)]
mod tests {
    use super::*;

    fn place(n: usize) -> (String, String) {
        ("client".to_owned(), n.to_string())
    }

    #[test]
    fn the_first_answer_comes_again_and_other_content_does_not_pass() {
        let (answers, now) = (Answers::default(), Instant::now());
        let (this, other) = (Sha256::of(b"this"), Sha256::of(b"other"));
        assert!(answers.begin(&place(1), this, now).unwrap().is_none());
        let running = answers.begin(&place(1), this, now).unwrap_err();
        assert_eq!(running.entry().code, "idempotency.in-progress");
        answers.finish(&place(1), Reply::done(&"made").unwrap());
        assert_eq!(&*answers.begin(&place(1), this, now).unwrap().unwrap().body, b"\"made\"");
        assert_eq!(answers.begin(&place(1), other, now).unwrap_err().entry().code, "idempotency.conflict");
        answers.release(&place(1));
        assert!(answers.begin(&place(1), this, now).unwrap().is_some(), "an answer is not released");
    }

    #[test]
    fn a_failure_lets_the_key_go() {
        let (answers, now) = (Answers::default(), Instant::now());
        assert!(answers.begin(&place(1), Sha256::of(b""), now).unwrap().is_none());
        answers.release(&place(1));
        assert!(answers.begin(&place(1), Sha256::of(b""), now).unwrap().is_none());
    }

    #[test]
    fn the_memory_is_bounded_and_running_work_is_not_forgotten() {
        let (answers, now) = (Answers::default(), Instant::now());
        let content = Sha256::of(b"");
        answers.begin(&place(0), content, now).unwrap();
        for n in 1..MAX_ANSWERS * 2 {
            let now = now + Duration::from_millis(n as u64);
            answers.begin(&place(n), content, now).unwrap();
            answers.finish(&place(n), Reply::done(&n).unwrap());
        }
        assert!(answers.0.lock().unwrap().len() <= MAX_ANSWERS);
        let running = answers.begin(&place(0), content, now).unwrap_err();
        assert_eq!(running.entry().code, "idempotency.in-progress");
    }
}
