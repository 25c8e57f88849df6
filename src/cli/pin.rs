//! The arguments by which every verb names a token and its PIN.

use std::{io::IsTerminal as _, path::PathBuf};

use crate::{
    base::Pin,
    token::{LastTry, Module, Token, TokenError, TokenSelector, pin_source::PinSource},
};

/// Which token.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Token")]
pub(super) struct TokenArgs {
    /// The PKCS#11 module: the vendor's shared library; `embedded` for the token inside kyso; `embedded:FOLDER` for
    /// one that keeps its files in FOLDER
    #[arg(long, value_name = "SO|embedded", env = "KYSO_MODULE")]
    pub(super) module: Module,
    /// The slot that holds the token
    #[arg(long, value_name = "N")]
    pub(super) slot: Option<u64>,
    /// The token's label
    #[arg(long, value_name = "LABEL")]
    pub(super) token: Option<String>,
    /// The token's serial number
    #[arg(long, value_name = "S")]
    pub(super) serial: Option<String>,
}

impl TokenArgs {
    /// The three selecting parts.
    pub(super) fn selector(&self) -> TokenSelector {
        TokenSelector { slot: self.slot, label: self.token.clone(), serial: self.serial.clone() }
    }

    /// The one token that fits.
    pub(super) fn open(&self) -> Result<Token, TokenError> {
        Token::open(&self.module, &self.selector())
    }
}

/// Where the PIN comes from: `--pin-fd`, `--pin-file`, the variable `KYSO_PIN`, or the person at the terminal, in this
/// order. There is no argument that holds a PIN: everybody on the machine can read a program's arguments.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "PIN (asked for at the terminal, unless KYSO_PIN is set)")]
pub(super) struct PinArgs {
    /// Read the PIN from an open file descriptor, such as 3 with `3<pin.txt`
    #[arg(long, value_name = "N", conflicts_with = "pin_file")]
    pub(super) pin_fd: Option<u32>,
    /// Read the PIN from a file of mode 600
    #[arg(long, value_name = "FILE")]
    pub(super) pin_file: Option<PathBuf>,
    /// Send the PIN even if the token warns that one more wrong PIN locks it
    #[arg(long)]
    pub(super) last_try: bool,
}

impl PinArgs {
    /// Reads the PIN, or asks for it with `prompt`, such as `PIN of “Lãnh đạo”`.
    pub(super) fn read(&self, prompt: &str) -> Result<Pin, TokenError> {
        match self.source() {
            Some(source) => source.read(),
            None => ask(prompt),
        }
    }

    /// What to do at the last try.
    pub(super) fn last_try(&self) -> LastTry {
        if self.last_try { LastTry::SpendIt } else { LastTry::Refuse }
    }

    /// Reads or asks for the PIN and logs in.
    pub(super) fn login(&self, token: &Token) -> Result<(), TokenError> {
        let label = token.info()?.label;
        token.login(self.read(&format!("PIN of “{label}”"))?, self.last_try())
    }

    fn source(&self) -> Option<PinSource> {
        if let Some(number) = self.pin_fd {
            return Some(PinSource::Fd(number));
        }
        if let Some(path) = &self.pin_file {
            return Some(PinSource::File(path.clone()));
        }
        PinSource::Environment.is_set().then_some(PinSource::Environment)
    }
}

fn ask(prompt: &str) -> Result<Pin, TokenError> {
    let unusable = |reason: String| TokenError::Unusable { what: "no PIN".into(), reason };
    if !std::io::stdin().is_terminal() && !std::path::Path::new("/dev/tty").exists() {
        return Err(unusable(no_terminal()));
    }
    let typed = rpassword::prompt_password(format!("{prompt}: ")).map_err(|error| match error.kind() {
        std::io::ErrorKind::UnexpectedEof => unusable("nothing was entered".into()),
        _ => unusable(no_terminal()),
    })?;
    if typed.is_empty() {
        return Err(unusable("nothing was entered".into()));
    }
    Ok(Pin::new(typed.into_bytes()))
}

fn no_terminal() -> String {
    "there is no terminal to ask at; give it with --pin-fd, --pin-file or the variable KYSO_PIN".into()
}
