//! `kyso token`.

use std::{process::ExitCode, time::Duration};

use serde_json::{Value, json};

use super::pin::{PinArgs, TokenArgs};
use crate::{
    base::DigestAlgorithm,
    token::{KeySelector, Module, Token, TokenError, TokenInfo, TokenKeyKind},
    x509::algorithm::SignatureScheme,
};

/// See `kyso token --help`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, clap::Subcommand)]
enum Task {
    /// Show the certificates on a token
    Certs {
        /// Write the certificates as PEM instead of a table
        #[arg(long, conflicts_with = "json")]
        pem: bool,
        #[command(flatten)]
        output: Output,
        #[command(flatten)]
        token: TokenArgs,
    },
    /// List the tokens of a module
    List {
        /// The PKCS#11 module: the vendor's shared library; `embedded` for the token inside kyso
        #[arg(long, value_name = "SO|embedded", env = "KYSO_MODULE")]
        module: Module,
        #[command(flatten)]
        output: Output,
    },
    /// Measure how many signatures the bare token makes in a second
    #[command(hide = true)]
    Rate {
        /// The key: its label, or hex: and its id
        #[arg(long, value_name = "LABEL|hex:ID")]
        key: KeySelector,
        /// How long to measure
        #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u64).range(1..=20))]
        seconds: u64,
        #[command(flatten)]
        output: Output,
        #[command(flatten)]
        token: TokenArgs,
        #[command(flatten)]
        pin: PinArgs,
    },
    /// Show one token: what it is, the state of its PIN, what it can do; with --login its keys too
    Show {
        /// Log in and show the private keys
        #[arg(long)]
        login: bool,
        #[command(flatten)]
        output: Output,
        #[command(flatten)]
        token: TokenArgs,
        #[command(flatten)]
        pin: PinArgs,
    },
}

#[derive(Clone, Copy, Debug, clap::Args)]
struct Output {
    /// Write JSON for programs
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: Args) -> ExitCode {
    let answer = match args.task {
        Task::Certs { token, pem, output } => certs(&token, pem, output),
        Task::List { module, output } => list(&module, output),
        Task::Rate { token, pin, key, seconds, output } => rate(&token, &pin, &key, seconds, output),
        Task::Show { token, login, pin, output } => show(&token, login, &pin, output),
    };
    match answer {
        Ok(text) => {
            print!("{text}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("kyso token: {error}");
            ExitCode::from(REFUSED)
        }
    }
}

fn list(module: &Module, output: Output) -> Result<String, TokenError> {
    let tokens = Token::list(module)?;
    if output.json {
        let tokens: Vec<Value> = tokens.iter().map(info_json).collect();
        return Ok(pretty(&json!({ "module": module.to_string(), "tokens": tokens })));
    }
    if tokens.is_empty() {
        return Ok(match module {
            Module::Embedded(_) => format!("{module} holds no token yet\n"),
            Module::Path(_) => {
                format!("{module} has no token. Is it plugged in, and is its reader's service running?\n")
            }
        });
    }
    let rows = tokens.iter().map(|info| {
        let (label, pin) = if info.initialized {
            (info.label.clone(), pin_state(info).to_owned())
        } else {
            ("(not initialized)".into(), "-".into())
        };
        vec![
            info.slot.to_string(),
            label,
            info.serial.clone(),
            format!("{} {}", info.manufacturer, info.model),
            pin,
        ]
    });
    Ok(table(&["SLOT", "LABEL", "SERIAL", "MODEL", "PIN"], rows))
}

fn show(token: &TokenArgs, login: bool, pin: &PinArgs, output: Output) -> Result<String, TokenError> {
    let open = token.open()?;
    let login = login || pin.pin_fd.is_some() || pin.pin_file.is_some();
    if login {
        pin.login(&open)?;
    }
    let info = open.info()?;
    let mechanisms = open.mechanisms()?;
    let certificates = open.certificates()?.len();
    let keys = if login { Some(open.keys()?) } else { None };
    if output.json {
        let mut value = info_json(&info);
        value["mechanisms"] = json!(mechanisms);
        value["certificates"] = json!(certificates);
        if let Some(keys) = &keys {
            let keys = keys.iter().map(|key| {
                let (kind, bits) = match key.kind {
                    TokenKeyKind::Ec { bits } => ("EC", bits),
                    TokenKeyKind::Other => ("other", 0),
                    TokenKeyKind::Rsa { bits } => ("RSA", bits),
                };
                json!({ "id": hex::encode(&key.id), "label": key.label, "kind": kind, "bits": bits,
                        "alwaysAuthenticate": key.always_authenticate })
            });
            value["keys"] = Value::Array(keys.collect());
        }
        return Ok(pretty(&value));
    }
    let mut text = String::new();
    for (name, value) in [
        ("Label", info.label.clone()),
        ("Serial", info.serial.clone()),
        ("Manufacturer", info.manufacturer.clone()),
        ("Model", info.model.clone()),
        ("Slot", info.slot.to_string()),
        ("PIN", pin_state(&info).to_owned()),
        ("Certificates", certificates.to_string()),
        ("Can sign with", mechanisms.join(", ")),
    ] {
        text.push_str(&format!("{name:<14} {value}\n"));
    }
    match keys {
        None => text.push_str("Keys           shown after a login: add --login\n"),
        Some(keys) if keys.is_empty() => text.push_str("Keys           none\n"),
        Some(keys) => {
            text.push('\n');
            text.push_str(&table(
                &["KEY", "ID", "KIND", "PIN"],
                keys.iter().map(|key| {
                    let pin = if key.always_authenticate { "for each signature" } else { "once" };
                    vec![
                        key.label.clone(),
                        format!("hex:{}", hex::encode(&key.id)),
                        key.kind.to_string(),
                        pin.into(),
                    ]
                }),
            ));
        }
    }
    Ok(text)
}

fn certs(token: &TokenArgs, pem: bool, output: Output) -> Result<String, TokenError> {
    let open = token.open()?;
    let found = open.certificates()?;
    if pem {
        return Ok(found.iter().map(|found| found.certificate.to_pem()).collect());
    }
    if output.json {
        let certificates = found.iter().map(|found| {
            let certificate = &found.certificate;
            json!({
                "id": hex::encode(&found.id),
                "label": found.label,
                "subject": certificate.subject().to_string(),
                "issuer": certificate.issuer().to_string(),
                "serial": certificate.serial_hex(),
                "notBefore": certificate.not_before().to_string(),
                "notAfter": certificate.not_after().to_string(),
                "sha256": certificate.sha256().to_hex(),
            })
        });
        let certificates = Value::Array(certificates.collect());
        return Ok(pretty(&json!({ "token": open.info()?.label, "certificates": certificates })));
    }
    if found.is_empty() {
        return Ok("the token holds no certificate; give kyso sign one with --cert FILE\n".into());
    }
    let rows = found.iter().map(|found| {
        let certificate = &found.certificate;
        let person = |name: &crate::x509::Name| name.common_name().unwrap_or_else(|| name.to_string());
        vec![
            found.label.clone(),
            format!("hex:{}", hex::encode(&found.id)),
            person(certificate.subject()),
            person(certificate.issuer()),
            certificate.not_before().strftime("%Y-%m-%d").to_string(),
            certificate.not_after().strftime("%Y-%m-%d").to_string(),
        ]
    });
    Ok(table(&["LABEL", "ID", "SUBJECT", "ISSUER", "FROM", "UNTIL"], rows))
}

fn rate(
    token: &TokenArgs,
    pin: &PinArgs,
    key: &KeySelector,
    seconds: u64,
    output: Output,
) -> Result<String, TokenError> {
    let open = token.open()?;
    pin.login(&open)?;
    let kind = open.keys()?.into_iter().find(|found| match key {
        KeySelector::Id(id) => found.id == *id,
        KeySelector::Label(label) => found.label == *label,
    });
    let scheme = match kind.map(|found| found.kind) {
        Some(TokenKeyKind::Ec { .. }) => SignatureScheme::Ecdsa(DigestAlgorithm::Sha256),
        _ => SignatureScheme::RsaPkcs1(DigestAlgorithm::Sha256),
    };
    let rate = open.bare_sign_rate(key, scheme, Duration::from_secs(seconds))?;
    Ok(if output.json {
        pretty(
            &json!({ "signatures": rate.signatures, "seconds": rate.time.as_secs_f64(), "perSecond": rate.per_second() }),
        )
    } else {
        format!(
            "{:.0} signatures/s ({} in {:.2} s)\n",
            rate.per_second(),
            rate.signatures,
            rate.time.as_secs_f64()
        )
    })
}

fn info_json(info: &TokenInfo) -> Value {
    json!({
        "slot": info.slot,
        "label": info.label,
        "serial": info.serial,
        "manufacturer": info.manufacturer,
        "model": info.model,
        "initialized": info.initialized,
        "loginRequired": info.login_required,
        "pin": { "countLow": info.pin_count_low, "finalTry": info.pin_final_try, "locked": info.pin_locked },
    })
}

fn pin_state(info: &TokenInfo) -> &'static str {
    if info.pin_locked {
        "LOCKED"
    } else if info.pin_final_try {
        "LAST TRY: one more wrong PIN locks it"
    } else if info.pin_count_low {
        "few tries left"
    } else {
        "ok"
    }
}

fn pretty(value: &Value) -> String {
    format!("{value:#}\n")
}

/// Columns as wide as their widest cell, in characters; the last one is left as it is.
fn table(header: &[&str], rows: impl Iterator<Item = Vec<String>>) -> String {
    let mut lines: Vec<Vec<String>> = vec![header.iter().map(ToString::to_string).collect()];
    lines.extend(rows);
    let width = |column: usize| {
        lines.iter().filter_map(|line| line.get(column)).map(|cell| cell.chars().count()).max()
    };
    let widths: Vec<usize> = (0..header.len()).map(|column| width(column).unwrap_or(0)).collect();
    let mut text = String::new();
    for line in &lines {
        let mut row = String::new();
        for (cell, width) in line.iter().zip(&widths) {
            row.push_str(&format!("{cell:<width$}  "));
        }
        text.push_str(row.trim_end());
        text.push('\n');
    }
    text
}

/// As `kyso sign` has it: token or PIN refused.
const REFUSED: u8 = 77;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_counts_letters_and_not_bytes() {
        let rows =
            [vec!["Lãnh đạo".to_owned(), "x".to_owned()], vec!["Văn thư phát hành".into(), "y".into()]];
        assert_eq!(
            table(&["LABEL", "PIN"], rows.into_iter()),
            "LABEL              PIN\nLãnh đạo           x\nVăn thư phát hành  y\n"
        );
    }
}
