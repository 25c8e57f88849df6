//! The demo and the README's tour, as a newcomer runs them.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    process::{Child, Command, Stdio},
    sync::mpsc,
    thread,
    time::Duration,
};

use crate::support::{self, tool};

/// `kyso demo --once` on both software tokens: every step holds, and the status says so.
#[test]
fn the_story_holds_on_both_tokens() {
    let softhsm = kyso::token::softhsm::SoftHsm::library().is_some();
    if !softhsm {
        support::skip("SoftHSM is not installed");
    }
    for token in if softhsm { &["softhsm", "embedded"][..] } else { &["embedded"] } {
        let folder = tempfile::tempdir().unwrap();
        let output = demo(folder.path(), &["--once", "--token", token]).output().unwrap();
        let (told, complained) =
            (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "{token}: {told}\n{complained}");
        assert!(told.contains("every step held"), "{token}: {told}");
        assert!(!told.contains('✖'), "{token}: {told}");
        for verdict in support::pdfsig(&folder.path().join("demo/quyet-dinh.ky-2.pdf")).into_iter().flatten()
        {
            assert!(verdict.accepted(), "{token}: {verdict:?}");
        }
        // The demo prints its PINs, for they are invented. Its log holds none all the same.
        let log = fs::read_to_string(folder.path().join("demo/kyso.log")).unwrap();
        for (_, pin) in [kyso::demo::LEADER_TOKEN, kyso::demo::AGENCY_TOKEN] {
            assert!(!log.contains(pin), "{token}: the log holds a PIN");
        }
    }
}

/// A folder that is not the demo's own is left alone.
#[test]
fn the_demo_removes_only_what_a_demo_made() {
    let folder = tempfile::tempdir().unwrap();
    let mine = folder.path().join("demo/mine.txt");
    fs::create_dir(folder.path().join("demo")).unwrap();
    fs::write(&mine, "mine").unwrap();
    let output = demo(folder.path(), &["--once", "--token", "embedded"]).output().unwrap();
    assert_eq!(output.status.code(), Some(64), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(fs::read_to_string(mine).unwrap(), "mine");
}

/// The commands of the README's five minutes, run as they stand against a serving demo; then Ctrl-C ends it.
#[test]
fn the_tour_of_the_readme_works() {
    let (Some(bash), Some(_curl), Some(_jq)) = (tool("bash"), tool("curl"), tool("jq")) else { return };
    let folder = tempfile::tempdir().unwrap();
    let mut serving = Serving::start(folder.path());
    let readme = fs::read_to_string(support::root().join("README.md")).unwrap();
    let tour = readme.split("## Five minutes").nth(1).unwrap();
    let tour = tour.split("```sh\n").nth(1).unwrap().split("```").next().unwrap();
    let environment = folder.path().join("demo/demo.env");
    let kyso = std::path::Path::new(env!("CARGO_BIN_EXE_kyso")).parent().unwrap();
    let tour = tour
        .replace(".kyso/demo/demo.env", &environment.display().to_string())
        .replace("$PWD/target/debug", &kyso.display().to_string())
        .replace("@samples/", &format!("@{}/samples/", support::root().display()));
    let script = format!("set -euo pipefail\n{tour}");
    let output = Command::new(bash).arg("-c").arg(script).current_dir(folder.path()).output().unwrap();
    let (told, complained) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{told}\n{complained}");
    for expected in ["\"valid\"", "\"TOTAL-PASSED\"", "\"arrived\"", "\"accepted\""] {
        assert!(told.contains(expected), "{expected} is missing in:\n{told}");
    }
    assert!(serving.interrupt(), "Ctrl-C does not end the demo cleanly");
}

fn demo(folder: &std::path::Path, more: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kyso"));
    command.arg("demo").arg("--folder").arg(folder.join("demo")).args(["--listen", "127.0.0.1:0"]).args(more);
    command.env_remove("SOFTHSM2_CONF");
    command
}

/// A demo that goes on serving.
struct Serving {
    child: Child,
}

impl Serving {
    fn start(folder: &std::path::Path) -> Self {
        let mut child = demo(folder, &["--token", "embedded"]).stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let (ready, wait) = mpsc::channel();
        thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                if line.starts_with("Serving") {
                    let _ = ready.send(());
                }
            }
        });
        let serving = Self { child };
        wait.recv_timeout(Duration::from_mins(2)).expect("the demo serves");
        serving
    }

    /// SIGINT, as from the keyboard; whether it ended with status 0.
    fn interrupt(&mut self) -> bool {
        let id = self.child.id().to_string();
        Command::new("kill").args(["-INT", &id]).status().unwrap();
        self.child.wait().is_ok_and(|status| status.success())
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
