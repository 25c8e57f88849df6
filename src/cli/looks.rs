//! The arguments that say what a signature looks like.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use super::verify::language;
use crate::{
    appearance::{Appearance, CopyKind, Picture, Place, Placement, Role},
    pdf::Area,
    validation::words::Language,
};

/// What the signature looks like, and where.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Appearance (Decree 30/2020/NĐ-CP); without one the signature is invisible")]
pub(super) struct LooksArgs {
    /// Which signature it is: the competent person's, the agency's with its seal, on an annex, on a copy, on an
    /// incoming document, or a comment
    #[arg(long, value_enum, value_name = "ROLE")]
    appearance: Option<RoleName>,
    /// The picture of the signature or the seal: PNG, best a transparent one, or JPEG
    #[arg(long, value_name = "FILE", requires = "appearance")]
    picture: Option<PathBuf>,
    /// The picture's width on paper in millimetres, where the file does not say it
    #[arg(long, value_name = "MM", requires = "picture")]
    picture_mm: Option<f64>,
    /// Stand at this text of the document: the line with the position, or the signer's name. The last one counts
    #[arg(long, value_name = "TEXT", requires = "appearance", conflicts_with = "rect")]
    anchor: Option<String>,
    /// Stand on this page, from 1 on
    #[arg(long, value_name = "N", requires = "rect")]
    page: Option<usize>,
    /// Stand in this rectangle, in points from the lower left corner of the page as it is seen
    #[arg(long, value_name = "X,Y,W,H", requires = "appearance", value_parser = rectangle, allow_hyphen_values = true)]
    rect: Option<Area>,
    /// The words of a comment, or other words than the role's; {number}, {organisation}, {signer}, {time},
    /// {time-long} and {date} are filled in, \n begins a line
    #[arg(long, value_name = "TEXT", requires = "appearance")]
    text: Option<String>,
    /// The fuller block, with the organisation and "Thời gian ký: …"
    #[arg(long, requires = "appearance")]
    full: bool,
    /// Number and symbol: of the main document for an annex, of the register for an incoming document
    #[arg(long, value_name = "12/QĐ-UBND", requires = "appearance")]
    number: Option<String>,
    /// The organisation, where the certificate does not write it as it should read
    #[arg(long, value_name = "NAME", requires = "appearance")]
    organisation: Option<String>,
    /// Which kind of copy
    #[arg(long, value_enum, value_name = "KIND", requires = "appearance")]
    copy_kind: Option<CopyName>,
    /// A QR code that says this, such as the address of the check page
    #[arg(long, value_name = "URL", requires = "appearance")]
    qr: Option<String>,
    /// A short code to type, printed beside the QR code
    #[arg(long, value_name = "CODE", requires = "appearance")]
    short_code: Option<String>,
    /// A font for the words (TTF or OTF) instead of the one in the program
    #[arg(long, value_name = "FILE", requires = "appearance")]
    font: Option<PathBuf>,
    /// Sign nothing and ask for no PIN: draw the page with the box into this PNG
    #[arg(long, value_name = "OUT.png", requires = "appearance")]
    pub(super) dry_run: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum RoleName {
    Approve,
    Issue,
    Annex,
    Copy,
    Income,
    Comment,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum CopyName {
    SaoY,
    SaoLuc,
    TrichSao,
}

impl LooksArgs {
    /// Whether anything is to be seen.
    pub(super) fn is_given(&self) -> bool {
        self.appearance.is_some()
    }

    /// What is asked for, its files read; `None` for an invisible signature.
    ///
    /// # Errors
    ///
    /// In words, when a file cannot be used or arguments do not go together.
    pub(super) fn appearance(&self) -> Result<Option<Appearance>, String> {
        let Some(name) = self.appearance else { return Ok(None) };
        let role = match (name, self.copy_kind) {
            (RoleName::Copy, kind) => Role::Copy(match kind.unwrap_or(CopyName::SaoY) {
                CopyName::SaoY => CopyKind::SaoY,
                CopyName::SaoLuc => CopyKind::SaoLuc,
                CopyName::TrichSao => CopyKind::TrichSao,
            }),
            (_, Some(_)) => return Err("--copy-kind goes with --appearance copy".to_owned()),
            (RoleName::Approve, None) => Role::Approve,
            (RoleName::Issue, None) => Role::Issue,
            (RoleName::Annex, None) => Role::Annex,
            (RoleName::Income, None) => Role::Income,
            (RoleName::Comment, None) => Role::Comment,
        };
        let place = match (&self.anchor, self.rect) {
            (Some(anchor), _) => Some(Place::Anchor(anchor.clone())),
            (None, Some(area)) => Some(Place::At { page: self.page.unwrap_or(1), area }),
            (None, None) => None,
        };
        let picture = match &self.picture {
            Some(file) => {
                let picture = Picture::read(&read(file)?);
                Some(Arc::new(picture.map_err(|error| format!("{}: {error}", file.display()))?))
            }
            None => None,
        };
        let font = self.font.as_deref().map(read).transpose()?.map(Arc::from);
        Ok(Some(Appearance {
            role,
            place,
            picture,
            width_mm: self.picture_mm,
            text: self.text.clone(),
            number: self.number.clone(),
            organisation: self.organisation.clone(),
            full: self.full,
            qr: self.qr.clone(),
            short_code: self.short_code.clone(),
            font,
        }))
    }
}

/// Where the signature can be seen, for people.
pub(super) fn tell(placement: &Placement) {
    let Area { left, bottom, .. } = placement.area;
    let (width, height) = (placement.area.width(), placement.area.height());
    println!(
        "seen      page {}, {width:.0} by {height:.0} points at ({left:.0}, {bottom:.0})",
        placement.page
    );
    for note in &placement.notes {
        match language(None) {
            Language::English => println!("note      {note}"),
            Language::Vietnamese => println!("lưu ý     {}", note.vietnamese()),
        }
    }
}

/// The bytes of a picture or a font.
pub(super) fn read(file: &Path) -> Result<Vec<u8>, String> {
    let unread = |error: std::io::Error| format!("{} could not be read: {error}", file.display());
    let length = std::fs::metadata(file).map_err(unread)?.len();
    if length > LARGEST_FILE {
        return Err(format!("{} is larger than {} MiB", file.display(), LARGEST_FILE >> 20));
    }
    std::fs::read(file).map_err(unread)
}

fn rectangle(text: &str) -> Result<Area, String> {
    let numbers: Result<Vec<f64>, _> = text.split(',').map(|part| part.trim().parse()).collect();
    match numbers.as_deref() {
        Ok(&[left, bottom, width, height])
            if [left, bottom, width, height].iter().all(|side| side.is_finite())
                && width > 0.0
                && height > 0.0 =>
        {
            Ok(Area::new(left, bottom, width, height))
        }
        _ => Err("four numbers are expected, such as 340,120,150,60; width and height above 0".to_owned()),
    }
}

/// Of a picture or a font, in bytes.
const LARGEST_FILE: u64 = 64 * 1024 * 1024;
