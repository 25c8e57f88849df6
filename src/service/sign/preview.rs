//! A signature as it would look, without one.

use std::{
    io::{Read as _, Write as _},
    path::Path,
    process::{Child, Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

use super::{Identity, SignError, SigningDesk};
use crate::{
    appearance::Placement,
    base::Source,
    pdf::{Area, Document},
    signing::{self, Request, Wishes},
};

/// A page as it would look.
#[derive(Clone, Debug)]
pub struct Preview {
    /// Where the signature would be.
    pub placement: Placement,
    /// The page with the signature's looks and a box around them, as PNG.
    pub png: Vec<u8>,
}

impl SigningDesk {
    /// Prepares a signature as [`SigningDesk::begin`] does and draws its page. No key is touched, nothing is written.
    ///
    /// `helper` is the `kyso` program: the page is drawn by a process of its own, which is ended when it takes too long.
    ///
    /// # Errors
    ///
    /// As [`SigningDesk::begin`]; [`SignError::Preview`] when the page could not be drawn.
    pub fn preview(
        &self,
        input: Arc<dyn Source>,
        identity: Identity,
        wishes: &Wishes,
        helper: &Path,
    ) -> Result<Preview, SignError> {
        let Identity { certificate, chain, scheme } = identity;
        let length = input.len();
        if length > LARGEST_FILE {
            return Err(refused(format!("the file is larger than {} MiB", LARGEST_FILE >> 20)));
        }
        let document = Document::open(Arc::clone(&input), &self.limits)?;
        let request =
            Request { signer: certificate, chain, scheme, time_stamp: None, wishes: wishes.clone() };
        let prepared = signing::prepare(&document, request, self.clock.now())?;
        let Some(placement) = prepared.placement().cloned() else {
            return Err(refused("the signature would be invisible; choose one with --appearance".to_owned()));
        };
        let sheet = document.page(placement.page)?.map(|page| page.frame.sheet()).unwrap_or_default();
        let mut file = input.read(0..length).map_err(|source| SignError::Input { source })?;
        file.extend_from_slice(prepared.tail());
        let boxes = [Some(placement.area), placement.code].into_iter().flatten();
        let boxes: Vec<String> = boxes.map(|area| parts(area, sheet)).collect();
        let png = draw(helper, &file, placement.page, &boxes)?;
        Ok(Preview { placement, png })
    }
}

/// As `kyso draw-page` takes a box.
fn parts(area: Area, sheet: Area) -> String {
    let (width, height) = (sheet.width().max(1.0), sheet.height().max(1.0));
    format!("{},{},{},{}", area.left / width, area.bottom / height, area.right / width, area.top / height)
}

fn draw(helper: &Path, file: &[u8], page: usize, boxes: &[String]) -> Result<Vec<u8>, SignError> {
    let mut command = Command::new(helper);
    command.arg("draw-page").arg("--page").arg(page.to_string()).env_clear();
    for one in boxes {
        command.arg("--box").arg(one);
    }
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child =
        command.spawn().map_err(|error| refused(format!("no process can be started: {error}")))?;
    let (stdin, stdout) = (child.stdin.take(), child.stdout.take());
    let (Some(mut stdin), Some(stdout)) = (stdin, stdout) else {
        return Err(refused("the process has no pipes".to_owned()));
    };
    // Both pipes at once: whoever writes all first waits for ever when the other side does too.
    let png = std::thread::scope(|scope| {
        scope.spawn(move || {
            // A process that ends early closes its end; its status says so.
            let _ = stdin.write_all(file);
        });
        let reading = scope.spawn(move || {
            let mut png = Vec::new();
            stdout.take(LARGEST_PICTURE).read_to_end(&mut png).map(|_| png)
        });
        let ended = wait(&mut child);
        let png = reading.join().map_err(|_| refused("its reader ended".to_owned()))?;
        ended?;
        png.map_err(|error| refused(error.to_string()))
    })?;
    if png.is_empty() {
        Err(refused("the page asks for too much, or cannot be drawn".to_owned()))
    } else {
        Ok(png)
    }
}

/// Waits for the end, and makes it where it does not come.
fn wait(child: &mut Child) -> Result<(), SignError> {
    let began = Instant::now();
    loop {
        match child.try_wait() {
            Ok(Some(status)) if status.success() => return Ok(()),
            Ok(Some(_)) => return Err(refused("the page asks for too much, or cannot be drawn".to_owned())),
            Ok(None) if began.elapsed() < LONGEST_WAIT => std::thread::sleep(Duration::from_millis(5)),
            _ => {
                // Nothing more can be done about a process that cannot be ended.
                let _ = child.kill();
                let _ = child.wait();
                return Err(refused("it took too long".to_owned()));
            }
        }
    }
}

fn refused(reason: String) -> SignError {
    SignError::Preview { reason }
}

/// In bytes; the process holds the file in memory.
const LARGEST_FILE: u64 = 256 * 1024 * 1024;

/// In bytes.
const LARGEST_PICTURE: u64 = 64 * 1024 * 1024;

const LONGEST_WAIT: Duration = Duration::from_secs(30);
