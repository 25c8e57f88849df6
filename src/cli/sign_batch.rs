//! `kyso sign --batch`.

use std::{io::IsTerminal as _, path::Path, process::ExitCode};

use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value, json};

use super::{
    sign::{Failure, status_of},
    with_causes,
};
use crate::{
    service::{
        sign::{
            Signer, SigningDesk,
            batch::{Item, Outcome, Plan, Summary},
        },
        signer_check::Cleared,
    },
    signing::Wishes,
};

/// Signs what the plan has open by a certificate that was asked about, tells of each file in its order, and gives the exit status.
pub(super) fn run(
    plan: Plan,
    desk: &SigningDesk,
    signer: (&Signer, &Cleared),
    wishes: &Wishes,
    json: bool,
) -> Result<ExitCode, Failure> {
    let bar = bar(plan.len());
    let mut worst = None;
    let summary = plan.run(desk, signer, wishes, |_, item, outcome| {
        bar.suspend(|| {
            println!("{}", if json { as_json(item, outcome).to_string() } else { as_text(item, outcome) });
        });
        bar.inc(1);
        // What ends the whole batch says more about what to do than what is wrong with one file.
        if let Outcome::Failed(error) = outcome {
            worst = worst.max(Some(status_of(error)));
        }
    })?;
    bar.finish_and_clear();
    eprintln!("{}", told(summary));
    Ok(match (summary.is_whole(), worst) {
        (true, _) => ExitCode::SUCCESS,
        (false, worst) => ExitCode::from(worst.unwrap_or(70)),
    })
}

fn as_text(item: &Item, outcome: &Outcome) -> String {
    let (input, output) = (item.input.display(), item.output.display());
    match outcome {
        Outcome::Earlier => format!("earlier   {output}"),
        Outcome::Failed(error) => format!("failed    {input}: {}", with_causes(error)),
        Outcome::Signed(_) => format!("signed    {output}"),
        Outcome::Untouched => format!("untouched {input}"),
    }
}

fn as_json(item: &Item, outcome: &Outcome) -> Value {
    let mut line = json!({ "input": text(&item.input), "output": text(&item.output) });
    match outcome {
        Outcome::Earlier => line["outcome"] = "earlier".into(),
        Outcome::Failed(error) => {
            line["outcome"] = "failed".into();
            line["error"] = with_causes(error).into();
        }
        Outcome::Signed(released) => {
            line["outcome"] = "signed".into();
            line["sha256"] = released.report().sha256.as_str().into();
            if let Some(signature) = released.signature() {
                line["field"] = signature.field.as_str().into();
                line["format"] = signature.signature_format.as_str().into();
                line["indication"] = serde_json::to_value(signature.indication).unwrap_or_default();
            }
        }
        Outcome::Untouched => line["outcome"] = "untouched".into(),
    }
    line
}

fn text(path: &Path) -> String {
    path.display().to_string()
}

fn told(summary: Summary) -> String {
    let Summary { signed, earlier, failed, untouched } = summary;
    let mut words = format!("{signed} signed");
    for (count, what) in [(earlier, "signed earlier"), (failed, "failed"), (untouched, "untouched")] {
        if count > 0 {
            words = format!("{words}, {count} {what}");
        }
    }
    if !summary.is_whole() {
        words.push_str("; mend what is said above and give the same command again to go on");
    }
    words
}

/// A bar on a terminal, nothing elsewhere.
fn bar(files: usize) -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(files as u64);
    let style = ProgressStyle::with_template("{bar:30} {pos}/{len} {per_sec} {eta}");
    bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_line_says_what_is_left() {
        let whole = Summary { signed: 3, earlier: 2, ..Summary::default() };
        assert_eq!(told(whole), "3 signed, 2 signed earlier");
        let stopped = Summary { signed: 1, failed: 1, untouched: 4, ..Summary::default() };
        assert!(told(stopped).starts_with("1 signed, 1 failed, 4 untouched; "));
    }
}
