//! The task of signing many files with one login.
//!
//! ```text
//! worker 1   copy, prepare | wait for the token | finish, judge |            ...
//! worker 2                 copy, prepare | wait for the token | finish, judge ...
//! token                                  | C_Sign 1 | C_Sign 2 | ...
//! releaser                                                       flush, note, name: a window at a time
//! ```
//!
//! A few workers carry each file from its copy to the judge. The token serves them one after the other, so that while
//! it works on one file others are prepared and finished. Signed copies then wait for the releaser, who makes a window
//! of them durable together: their bytes first, then the journal that says what the outputs will be, then
//! their names. "Signed" is said after that.
//!
//! A batch that was killed, or whose token was pulled out, is gone on with by giving the same command again. What
//! counts as signed is an output that has the bytes that the journal says; see [`Plan::make`].
//!
//! What is wrong with one file does not stop the others. What is wrong with the token, the time-stamp authority or the
//! output folder does: no other file would fare better, and the token would be touched in vain.

mod flushers;
mod journal;

use std::{
    collections::{BTreeMap, HashMap},
    fs, io,
    num::NonZero,
    path::{Path, PathBuf},
    sync::{
        atomic::{AtomicBool, AtomicUsize, Ordering},
        mpsc::{self, Receiver},
    },
    thread,
    time::{Duration, Instant},
};

use flushers::Flushers;
use journal::{Entry, Journal};

use super::{Finished, Identity, Released, SignError, Signer, SigningDesk, Wishes, sync_folder, timed};
use crate::{
    base::{DigestAlgorithm, Sha256, Source as _, background::give_way},
    service::{issue::begins_with, signer_check::Cleared},
    signing::SigningError,
    store::FileSource,
};

/// A file to be signed, and where the signed one goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// The file.
    pub input: PathBuf,
    /// Its name in the folder of the outputs.
    pub output: PathBuf,
}

/// What became of a file.
#[derive(Debug)]
pub enum Outcome {
    /// An earlier run of the same batch had signed it.
    Earlier,
    /// It was not signed, and nothing was released.
    Failed(SignError),
    /// It is signed, and durably so.
    Signed(Box<Released>),
    /// The batch stopped before its turn.
    Untouched,
}

/// How a batch went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Files signed now.
    pub signed: usize,
    /// Files signed by an earlier run.
    pub earlier: usize,
    /// Files that could not be signed.
    pub failed: usize,
    /// Files that the batch did not come to.
    pub untouched: usize,
}

impl Summary {
    /// Whether every file is signed.
    pub fn is_whole(self) -> bool {
        self.failed == 0 && self.untouched == 0
    }
}

/// The files of a batch in their order, each looked at before anything is signed.
#[derive(Debug)]
pub struct Plan {
    folder: PathBuf,
    /// With whether an earlier run signed it, and by whom.
    items: Vec<(Item, Option<Sha256>)>,
    journal: Journal,
}

impl Plan {
    /// The PDFs of a folder by the order of their names, or the files that a list names, one a line, in its order.
    ///
    /// Paths in a list are relative to its folder; empty lines and those that begin with `#` are passed over.
    ///
    /// # Errors
    ///
    /// When it cannot be read, or there is no file in it.
    pub fn inputs(source: &Path) -> Result<Vec<PathBuf>, BatchError> {
        let unread = |error| BatchError::Input { path: source.to_owned(), source: error };
        let inputs = if source.is_dir() {
            let mut found = Vec::new();
            for entry in fs::read_dir(source).map_err(unread)? {
                let path = entry.map_err(unread)?.path();
                let is_pdf = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("pdf"));
                if is_pdf && path.is_file() {
                    found.push(path);
                }
            }
            found.sort();
            found
        } else {
            let text = fs::read_to_string(source).map_err(unread)?;
            let lines = text.trim_start_matches('\u{feff}').lines().map(str::trim_end);
            let named = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
            named.map(|line| super::folder_of(source).join(line)).collect()
        };
        if inputs.is_empty() {
            return Err(BatchError::Empty { path: source.to_owned() });
        }
        Ok(inputs)
    }

    /// Plans to sign `inputs` into `folder`, which is made if need be. Each keeps its name.
    ///
    /// What an earlier run signed is found by the journal in the folder: an output counts as signed when it has the
    /// bytes that the journal says and begins with those of its input. The journal is held until the plan goes, so that
    /// two runs do not meet.
    ///
    /// # Errors
    ///
    /// Before anything is signed: when an input cannot be read, two have one name, an output exists that this batch did
    /// not make, or another run is at work in the folder.
    pub fn make(inputs: Vec<PathBuf>, folder: &Path) -> Result<Self, BatchError> {
        let mut names: HashMap<PathBuf, &Path> = HashMap::new();
        for input in &inputs {
            let unreadable = |source| BatchError::Input { path: input.clone(), source };
            let name = input.file_name().ok_or_else(|| unreadable(io::ErrorKind::InvalidInput.into()))?;
            FileSource::open(input).map_err(unreadable)?;
            if let Some(first) = names.insert(folder.join(name), input) {
                return Err(BatchError::Twice { first: first.to_owned(), second: input.clone() });
            }
        }
        drop(names);
        let journal = Journal::open(folder)?;
        let mut items = Vec::with_capacity(inputs.len());
        for input in inputs {
            let output = folder.join(input.file_name().unwrap_or_default());
            let by = match fs::symlink_metadata(&output) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => None,
                Err(source) => return Err(BatchError::Output { path: output, source }),
                Ok(_) => Some(signed_by(&journal, &input, &output)?),
            };
            items.push((Item { input, output }, by));
        }
        Ok(Self { folder: folder.to_owned(), items, journal })
    }

    /// How many files there are.
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// How many are still to be signed.
    pub fn open(&self) -> usize {
        self.items.iter().filter(|(_, by)| by.is_none()).count()
    }

    /// Whether what was signed earlier was signed by the same certificate, in the same way, with the same words.
    ///
    /// # Errors
    ///
    /// [`BatchError::Other`] names the first file that was not.
    pub fn check(&self, identity: &Identity, wishes: &Wishes) -> Result<(), BatchError> {
        let mark = mark(identity, wishes);
        match self.items.iter().find(|(_, by)| by.is_some_and(|by| by != mark)) {
            Some((item, _)) => Err(BatchError::Other { path: item.output.clone() }),
            None => Ok(()),
        }
    }

    /// Signs what is still to be signed; `tell` hears of each file once, in the order of the plan.
    ///
    /// `signer`, with what its certificate was asked about, once for all files: it comes from before the PIN.
    ///
    /// # Errors
    ///
    /// As [`Plan::check`], and [`BatchError::Signer`] when another certificate was asked about. All else is an
    /// [`Outcome`].
    pub fn run(
        self,
        desk: &SigningDesk,
        (signer, cleared): (&Signer, &Cleared),
        wishes: &Wishes,
        mut tell: impl FnMut(usize, &Item, &Outcome),
    ) -> Result<Summary, BatchError> {
        let identity = signer.identity();
        cleared.demand_for(&identity.certificate, wishes.any_usage)?;
        self.check(&identity, wishes)?;
        let Self { folder, items, mut journal } = self;
        let mark = mark(&identity, wishes);
        let open: Vec<usize> =
            items.iter().enumerate().filter(|(_, (_, by))| by.is_none()).map(|(at, _)| at).collect();
        let line =
            Line { desk, signer, identity, wishes, staging: journal.staging(), stop: AtomicBool::new(false) };

        let mut summary = Summary::default();
        let mut teller = Teller { items: &items, next: 0, waiting: BTreeMap::new(), summary: &mut summary };
        for (at, _) in items.iter().enumerate().filter(|(_, (_, by))| by.is_some()) {
            teller.take(at, Outcome::Earlier, &mut tell);
        }
        let next = AtomicUsize::new(0);
        let (give, take) = mpsc::sync_channel(WINDOW);
        thread::scope(|scope| {
            for _ in 0..workers(desk, signer.token.sessions()).min(open.len()) {
                let (give, next, open, items, line) = (give.clone(), &next, &open, &items, &line);
                scope.spawn(move || {
                    // To the token, before all.
                    give_way();
                    while !line.stopped() {
                        let Some(at) = open.get(next.fetch_add(1, Ordering::Relaxed)) else { return };
                        let Some((item, _)) = items.get(*at) else { return };
                        if give.send((*at, line.sign(item))).is_err() {
                            return;
                        }
                    }
                });
            }
            drop(give);
            let flushers = Flushers::start(scope, open.len());
            while let Some(window) = window(&take) {
                for (at, outcome) in release(window, &flushers, (&folder, &mut journal, mark), &line) {
                    teller.take(at, outcome, &mut tell);
                }
            }
        });
        teller.end(&mut tell);
        Ok(summary)
    }
}

/// What the workers share.
struct Line<'a> {
    desk: &'a SigningDesk,
    signer: &'a Signer,
    identity: Identity,
    wishes: &'a Wishes,
    staging: PathBuf,
    /// No other file is begun, and the token not asked again.
    stop: AtomicBool,
}

/// A signed copy; `None` where the batch stopped before the token was asked.
type Made = Result<Option<Finished>, SignError>;

impl Line<'_> {
    fn sign(&self, item: &Item) -> Made {
        let made = self.made(item);
        if made.as_ref().err().is_some_and(stops) {
            self.stop.store(true, Ordering::Release);
        }
        made
    }

    fn made(&self, item: &Item) -> Made {
        let input = FileSource::open(&item.input).map_err(|source| SignError::Input { source })?;
        let identity = self.identity.clone();
        let mut pending = self.desk.begin_in(&input, &self.staging, &item.output, identity, self.wishes)?;
        if self.stopped() {
            return Ok(None);
        }
        let Signer { token, key, .. } = self.signer;
        let value = timed(&mut pending.took.sign, || {
            token.sign(key, pending.prepared.scheme(), pending.prepared.to_be_signed())
        })?;
        self.desk.finish(pending, value).map(Some)
    }

    fn stopped(&self) -> bool {
        self.stop.load(Ordering::Acquire)
    }
}

/// Whether no other file would fare better.
fn stops(error: &SignError) -> bool {
    matches!(
        error,
        SignError::Output { .. }
            | SignError::NoAnchors { .. }
            | SignError::NoAuthority { .. }
            | SignError::NoTimeStamp(_)
            | SignError::Signing(
                SigningError::Certificate { .. }
                    | SigningError::TimeStamp(_)
                    | SigningError::Usage { .. }
                    | SigningError::Value(_)
            )
            | SignError::Token(_)
    )
}

/// What is released together: one at least, and what comes soon after it. Each window costs three flushes however much
/// is in it, and a flush for each file takes the processor from the token.
fn window(take: &Receiver<(usize, Made)>) -> Option<Vec<(usize, Made)>> {
    let mut window = vec![take.recv().ok()?];
    let end = Instant::now() + GATHERING;
    while window.len() < WINDOW {
        let Ok(next) = take.recv_timeout(end.saturating_duration_since(Instant::now())) else { break };
        window.push(next);
    }
    Some(window)
}

/// Bytes first, then the journal, then the names.
///
/// | a crash after | leaves | the next run |
/// |---|---|---|
/// | the bytes | copies without a name | removes them, signs |
/// | the journal | a line about an output that is not there | signs: a later line counts |
/// | a name | an output with the bytes that the journal says | counts it as signed |
fn release(
    window: Vec<(usize, Made)>,
    flushers: &Flushers,
    (folder, journal, mark): (&Path, &mut Journal, Sha256),
    line: &Line<'_>,
) -> Vec<(usize, Outcome)> {
    let mut told = Vec::with_capacity(window.len());
    let mut made_now = Vec::with_capacity(window.len());
    let fail = |told: &mut Vec<_>, at, error: SignError| {
        if stops(&error) {
            line.stop.store(true, Ordering::Release);
        }
        told.push((at, Outcome::Failed(error)));
    };
    for (at, made) in window {
        match made {
            Ok(None) => told.push((at, Outcome::Untouched)),
            Ok(Some(finished)) => made_now.push((at, finished)),
            Err(error) => fail(&mut told, at, error),
        }
    }
    let mut safe = Vec::with_capacity(made_now.len());
    for (at, finished, flushed) in flushers.flush(made_now) {
        match flushed {
            Ok(()) => safe.push((at, finished)),
            Err(error) => fail(&mut told, at, error),
        }
    }
    if safe.is_empty() {
        return told;
    }
    let unwritten = |path: &Path, error: &io::Error| SignError::Output {
        path: path.to_owned(),
        source: io::Error::new(error.kind(), error.to_string()),
    };
    let entries = safe.iter().map(|(_, finished)| Entry::of(finished, mark));
    if let Err(error) = journal.write(entries) {
        for (at, _) in safe {
            fail(&mut told, at, unwritten(journal.path(), &error));
        }
        return told;
    }
    let mut named = Vec::with_capacity(safe.len());
    for (at, finished) in safe {
        match finished.reveal() {
            Ok(released) => named.push((at, released)),
            Err(error) => fail(&mut told, at, error),
        }
    }
    match sync_folder(folder) {
        Ok(()) => {
            told.extend(named.into_iter().map(|(at, released)| (at, Outcome::Signed(Box::new(released)))));
        }
        // They are there, and may not be after a loss of power: the next run looks.
        Err(error) => {
            for (at, _) in named {
                fail(&mut told, at, unwritten(folder, &error));
            }
        }
    }
    told
}

/// Puts what became of the files into their order.
struct Teller<'a> {
    items: &'a [(Item, Option<Sha256>)],
    next: usize,
    waiting: BTreeMap<usize, Outcome>,
    summary: &'a mut Summary,
}

impl Teller<'_> {
    fn take(&mut self, at: usize, outcome: Outcome, tell: &mut impl FnMut(usize, &Item, &Outcome)) {
        self.waiting.insert(at, outcome);
        while let Some(outcome) = self.waiting.remove(&self.next) {
            self.tell(&outcome, tell);
        }
    }

    /// The batch is over: what nobody came to was not touched.
    fn end(&mut self, tell: &mut impl FnMut(usize, &Item, &Outcome)) {
        while self.next < self.items.len() {
            let outcome = self.waiting.remove(&self.next).unwrap_or(Outcome::Untouched);
            self.tell(&outcome, tell);
        }
    }

    fn tell(&mut self, outcome: &Outcome, tell: &mut impl FnMut(usize, &Item, &Outcome)) {
        let count = match outcome {
            Outcome::Earlier => &mut self.summary.earlier,
            Outcome::Failed(_) => &mut self.summary.failed,
            Outcome::Signed(_) => &mut self.summary.signed,
            Outcome::Untouched => &mut self.summary.untouched,
        };
        *count += 1;
        if let Some((item, _)) = self.items.get(self.next) {
            tell(self.next, item, outcome);
        }
        self.next += 1;
    }
}

/// Who signed an output that is there, if this batch did.
fn signed_by(journal: &Journal, input: &Path, output: &Path) -> Result<Sha256, BatchError> {
    let taken = || BatchError::Taken { path: output.to_owned() };
    let entry = journal.entry(output).ok_or_else(taken)?;
    let unread = |source| BatchError::Output { path: output.to_owned(), source };
    let later = FileSource::open(output).map_err(unread)?;
    let digest = later.digest(DigestAlgorithm::Sha256, &[0..later.len()]).map_err(unread)?;
    if digest.bytes != entry.sha256.0 {
        return Err(taken());
    }
    let earlier =
        FileSource::open(input).map_err(|source| BatchError::Input { path: input.to_owned(), source })?;
    if begins_with(&later, &earlier).map_err(unread)? { Ok(entry.by) } else { Err(taken()) }
}

/// Tells batches apart: by certificate, issuers, scheme, and what the signatures say.
fn mark(identity: &Identity, wishes: &Wishes) -> Sha256 {
    let chain: Vec<String> = identity.chain.iter().map(|issuer| issuer.sha256().to_hex()).collect();
    let text = format!("{}\n{chain:?}\n{:?}\n{wishes:?}", identity.certificate.sha256(), identity.scheme);
    Sha256::of(text.as_bytes())
}

/// As many as there are processors, and two more: one waits for the token, one for the disk. Each further session of the
/// token is one more to wait for. Where each also waits for the network, as many as may be.
fn workers(desk: &SigningDesk, sessions: usize) -> usize {
    let further = sessions - 1;
    if desk.time_stamping.is_some() || desk.online {
        return MOST_WORKERS + further;
    }
    thread::available_parallelism().map_or(1, NonZero::get).min(MOST_WORKERS - 2) + 2 + further
}

/// Each holds one document. A session of a token has no use for more, and its callers' patience has a limit.
const MOST_WORKERS: usize = 10;

/// Signed copies that wait for their release, and are released together. Each holds an open file and a report.
const WINDOW: usize = 64;

/// How long a signed copy waits for others. What a crash loses is signed again: the longer, the more of it.
const GATHERING: Duration = Duration::from_millis(50);

/// Why no batch was begun.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BatchError {
    /// Another run is at work there.
    #[error("another batch is at work in {}; wait for its end", folder.display())]
    Busy {
        /// The folder of the outputs.
        folder: PathBuf,
    },
    /// There is nothing to sign.
    #[error("{} names no PDF to sign", path.display())]
    Empty {
        /// The list or folder.
        path: PathBuf,
    },
    /// A list, folder or file cannot be read.
    #[error("{} cannot be read; nothing was signed", path.display())]
    Input {
        /// Which.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The journal is not one that kyso wrote.
    #[error("line {line} of {} cannot be understood; see what the outputs beside it are, then remove it", path.display())]
    Journal {
        /// The journal.
        path: PathBuf,
        /// From 1.
        line: usize,
    },
    /// An earlier run signed it otherwise.
    #[error(
        "{} was signed by an earlier batch with another certificate or other words; choose another folder",
        path.display()
    )]
    Other {
        /// The output.
        path: PathBuf,
    },
    /// The folder of the outputs, or something in it, cannot be used.
    #[error("{} cannot be used", path.display())]
    Output {
        /// Which.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The signer's certificate was not asked about.
    #[error(transparent)]
    Signer(#[from] SignError),
    /// There is a file of that name, and this batch did not make it of this input.
    #[error(
        "{} exists and is not this batch's output of its input; nothing was signed. Choose another folder, or move it away",
        path.display()
    )]
    Taken {
        /// The output.
        path: PathBuf,
    },
    /// Two inputs would have one output.
    #[error(
        "{} and {} would both be signed into one file; nothing was signed. Rename one of them, or sign them into two folders",
        first.display(), second.display()
    )]
    Twice {
        /// One input.
        first: PathBuf,
        /// Another of the same name.
        second: PathBuf,
    },
}
