//! What a signature looks like, as requests say it.

use std::sync::Arc;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::Deserialize;

use super::super::{Problem, problem};
use crate::{
    appearance::{Appearance, CopyKind, Picture, Place, Role},
    pdf::Area,
    service::HeldKey,
};

/// What the signature looks like (Decree 30/2020/NĐ-CP, Annex I). With a key of the server the picture is the one that
/// its configuration keeps beside the key: nobody signs with another's handwriting. With a key that the server does not
/// hold the request brings it.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(in super::super) struct LooksRequest {
    /// Which signature it is; a person's key approves or comments, the agency's does the others.
    role: RoleName,
    /// Stand at this text of the document: the line with the position, or the signer's name. The last one counts.
    #[serde(default)]
    #[schema(example = "CHỦ TỊCH")]
    anchor: Option<String>,
    /// Stand on this page, from 1 on; with `rectangle`.
    #[serde(default)]
    page: Option<usize>,
    /// Left, bottom, width and height in points, from the lower left corner of the page as it is seen.
    #[serde(default)]
    rectangle: Option<[f64; 4]>,
    /// The words of a comment, or other words than the role's.
    #[serde(default)]
    text: Option<String>,
    /// The fuller block, with the organisation and "Thời gian ký: …".
    #[serde(default)]
    full: bool,
    /// Number and symbol: of the main document for an annex, of the register for an incoming document.
    #[serde(default)]
    #[schema(example = "12/QĐ-UBND")]
    number: Option<String>,
    /// The organisation, where the certificate does not write it as it should read.
    #[serde(default)]
    organisation: Option<String>,
    /// Which kind of copy; `saoY` when absent.
    #[serde(default)]
    copy_kind: Option<CopyName>,
    /// What a QR code says, such as the address of the check page. With the first signature only, or in a box of words.
    #[serde(default)]
    qr: Option<String>,
    /// A short code to type, printed beside the QR code.
    #[serde(default)]
    short_code: Option<String>,
    /// The handwritten signature or the seal: Base64 of a PNG, best a transparent one, or a JPEG, of 1 MiB at most. Only
    /// for a key that the server does not hold.
    #[serde(default)]
    #[schema(format = Byte)]
    picture: Option<String>,
    /// The picture's width on paper in millimetres, where the file does not say it.
    #[serde(default)]
    picture_mm: Option<f64>,
}

/// Where the picture of a signature comes from.
pub(in super::super) enum Pictures<'a> {
    /// It is kept beside a key of the server.
    Kept(&'a HeldKey),
    /// The request brings it, for another key; a form has it in a part of its own.
    Sent(Option<Vec<u8>>),
}

#[derive(Clone, Copy, Debug, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
enum RoleName {
    Annex,
    Approve,
    Comment,
    Copy,
    Income,
    Issue,
}

#[derive(Clone, Copy, Debug, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
enum CopyName {
    SaoLuc,
    SaoY,
    TrichSao,
}

impl LooksRequest {
    /// What is asked for, with its picture.
    pub(super) fn appearance(self, pictures: Pictures<'_>) -> Result<Appearance, Problem> {
        let refuse = |pointer: &'static str, detail: &str| Err(refused(pointer, detail));
        let picture = match (pictures, self.picture) {
            (Pictures::Kept(_), Some(_)) => {
                return refuse("/appearance/picture", "the server keeps the picture beside its own key");
            }
            (Pictures::Kept(key), None) => key.picture.clone(),
            (Pictures::Sent(Some(_)), Some(_)) => {
                return refuse("/appearance/picture", "give the picture here or in a part of the form");
            }
            (Pictures::Sent(Some(bytes)), None) => Some(read_picture(&bytes)?),
            (Pictures::Sent(None), Some(text)) => {
                let bytes = STANDARD.decode(text);
                Some(read_picture(&bytes.map_err(|_| refused("/appearance/picture", "Base64"))?)?)
            }
            (Pictures::Sent(None), None) => None,
        };
        if self.picture_mm.is_some_and(|width| !(width.is_finite() && width > 0.0)) {
            return refuse("/appearance/pictureMm", "a width is above 0");
        }
        if self.picture_mm.is_some() && picture.is_none() {
            return refuse("/appearance/pictureMm", "it goes with a picture");
        }
        for text in [&self.anchor, &self.text, &self.number, &self.organisation, &self.qr, &self.short_code] {
            if text.as_ref().is_some_and(|text| text.len() > MOST_BYTES) {
                return refuse("/appearance", "a text is longer than 2,000 bytes");
            }
        }
        let place = match (self.anchor, self.rectangle) {
            (Some(_), Some(_)) => return refuse("/appearance/rectangle", "give an anchor or a rectangle"),
            (Some(anchor), None) => Some(Place::Anchor(anchor)),
            (None, Some([left, bottom, width, height])) => {
                let sides = [left, bottom, width, height];
                if !(sides.iter().all(|side| side.is_finite()) && width > 0.0 && height > 0.0) {
                    return refuse("/appearance/rectangle", "width and height are above 0");
                }
                let area = Area::new(left, bottom, width, height);
                Some(Place::At { page: self.page.unwrap_or(1), area })
            }
            (None, None) => None,
        };
        let role = match self.role {
            RoleName::Annex => Role::Annex,
            RoleName::Approve => Role::Approve,
            RoleName::Comment => Role::Comment,
            RoleName::Copy => Role::Copy(match self.copy_kind.unwrap_or(CopyName::SaoY) {
                CopyName::SaoLuc => CopyKind::SaoLuc,
                CopyName::SaoY => CopyKind::SaoY,
                CopyName::TrichSao => CopyKind::TrichSao,
            }),
            RoleName::Income => Role::Income,
            RoleName::Issue => Role::Issue,
        };
        Ok(Appearance {
            place,
            picture,
            width_mm: self.picture_mm,
            text: self.text,
            number: self.number,
            organisation: self.organisation,
            full: self.full,
            qr: self.qr,
            short_code: self.short_code,
            ..Appearance::new(role)
        })
    }
}

fn refused(pointer: &'static str, detail: &str) -> Problem {
    Problem::new(&problem::INVALID).at(pointer, "appearance.invalid", detail)
}

fn read_picture(bytes: &[u8]) -> Result<Arc<Picture>, Problem> {
    if bytes.len() > MOST_PICTURE {
        return Err(refused("/appearance/picture", "the picture is larger than 1 MiB"));
    }
    let read = Picture::read(bytes);
    Ok(Arc::new(read.map_err(|error| refused("/appearance/picture", &error.to_string()))?))
}

/// Of one text.
const MOST_BYTES: usize = 2_000;

/// In bytes: a scan of a seal at 600 dots an inch takes a third.
pub(super) const MOST_PICTURE: usize = 1024 * 1024;
