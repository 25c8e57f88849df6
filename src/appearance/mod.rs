//! What a signature looks like on paper: who signs how, where, and what is drawn (Decree 30/2020/NĐ-CP, Annex I).
//!
//! ```text
//! Appearance  a role, and what the signer gives to it: a picture, a number, words, a place
//! compose     finds the place in the document, sets the text, draws
//! Composed    what pdf::prepare_signature writes, and where it came to be
//! confirm_code  whether the code for the check page that another prepared is the one that was agreed
//! ```
//!
//! Pure: pictures and fonts come in as bytes, the moment as an argument.

mod block;
mod code;
mod colour;
mod draw;
mod lines;
mod picture;
mod place;
mod room;
mod words;

use std::{fmt, sync::Arc};

use crate::{
    base::UtcTime,
    font::FontError,
    pdf::{Area, Document, Drawing, PdfError},
};

pub use code::{CodeFault, confirm_code, has_code};
pub use picture::{Picture, PictureError};

/// What a signature is to look like.
#[derive(Clone, Debug)]
pub struct Appearance {
    /// Which signature it is: that decides what is drawn and where.
    pub role: Role,
    /// Where, unless the role finds its own place or the signature goes into a field that has one.
    pub place: Option<Place>,
    /// The handwritten signature, or the seal.
    pub picture: Option<Arc<Picture>>,
    /// The width of the picture on paper in millimetres, where the picture does not say it or says it wrong.
    pub width_mm: Option<f64>,
    /// Words instead of those that the role prescribes; for a comment, the comment. `{number}`, `{organisation}`,
    /// `{signer}`, `{time}`, `{time-long}` and `{date}` stand for what they say.
    pub text: Option<String>,
    /// Number and symbol: of the main document for an annex, of the register for an incoming document.
    pub number: Option<String>,
    /// The organisation, where the certificate does not say it as it should read.
    pub organisation: Option<String>,
    /// The fuller block: organisation, and "Thời gian ký: …".
    pub full: bool,
    /// What a QR code says, such as the address of the check page.
    pub qr: Option<String>,
    /// What is printed beside the QR code for those who type.
    pub short_code: Option<String>,
    /// A font file instead of the one that comes with the program.
    pub font: Option<Arc<[u8]>>,
}

impl Appearance {
    /// Of this role, with nothing given to it.
    pub fn new(role: Role) -> Self {
        Self {
            role,
            place: None,
            picture: None,
            width_mm: None,
            text: None,
            number: None,
            organisation: None,
            full: false,
            qr: None,
            short_code: None,
            font: None,
        }
    }
}

/// Which signature of a document it is (Decree 30/2020/NĐ-CP, Annex I; the last two from the registers of Annex IV).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// An annex in a file of its own: number and symbol of the main document, and the time, top right on its first
    /// page.
    Annex,
    /// The competent person's: the picture of the handwritten signature, between position and name.
    Approve,
    /// A comment ("bút phê") on a document that came in.
    Comment,
    /// An electronic copy: which kind, who made it, when; top right on the first page.
    Copy(CopyKind),
    /// The stamp "ĐẾN" of an incoming document.
    Income,
    /// The agency's: the picture of the seal, over a third of the person's picture, on its left.
    Issue,
}

/// Kinds of copies (Decree 30/2020/NĐ-CP, article 25).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CopyKind {
    /// "Sao lục": a copy of a copy or of a document received.
    SaoLuc,
    /// "Sao y": a full copy of an original.
    SaoY,
    /// "Trích sao": an extract.
    TrichSao,
}

/// Where a signature is to be seen.
#[derive(Clone, Debug, PartialEq)]
pub enum Place {
    /// At a line of text: the line with the position, or with the signer's name.
    Anchor(String),
    /// On a page, from 1 on, in points from the lower left corner of the page as a reader sees it.
    At {
        /// The page.
        page: usize,
        /// The rectangle.
        area: Area,
    },
}

/// What the signing itself knows.
#[derive(Clone, Debug)]
pub struct Facts {
    /// Who signs: the certificate's common name.
    pub signer: Option<String>,
    /// The certificate's organisation.
    pub organisation: Option<String>,
    /// The claimed time.
    pub now: UtcTime,
    /// The field that the signature is to fill, where one is named.
    pub field: Option<String>,
}

/// Drawn, and in its place.
#[derive(Clone, Debug)]
pub struct Composed {
    /// The signature's own looks.
    pub drawing: Drawing,
    /// A code for the check page that stands by itself, in a document that nobody has signed yet.
    pub stamp: Option<Drawing>,
    /// Where that is.
    pub placement: Placement,
}

/// Where an appearance came to be, and what is to be said about it.
#[derive(Clone, Debug, PartialEq, serde::Deserialize, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Placement {
    /// From 1 on.
    pub page: usize,
    /// In points from the lower left corner of the page as a reader sees it.
    pub area: Area,
    /// The code for the check page, in the same measure and on the same page, where it stands by itself.
    pub code: Option<Area>,
    /// What a person should know.
    pub notes: Vec<Note>,
}

/// What a person should know about an appearance that was drawn all the same.
#[derive(Clone, Debug, PartialEq, Eq, serde::Deserialize, serde::Serialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase", tag = "note")]
#[non_exhaustive]
pub enum Note {
    /// The anchor stands in several places: the last one was taken.
    AnchorRepeated {
        /// The anchor.
        text: String,
        /// How often it was found.
        times: usize,
        /// The page of the last one.
        page: usize,
    },
    /// A person's signature is to be blue and a seal red (Annex I of the decree); the picture is not.
    Ink {
        /// Whether red is wanted, rather than blue.
        red: bool,
    },
    /// The picture has no transparency: it hides what lies under it.
    Opaque,
    /// The file's rules (PDF/A) allow no half transparency: the picture's edges are sharp.
    SharpEdges,
    /// The page is one picture: what is under the appearance cannot be known.
    Scan,
    /// Several signatures can be seen: the seal stands at the last one.
    SeveralSigners {
        /// The field of the one that was taken.
        field: String,
    },
    /// The picture does not say how large it is: this width was taken, in millimetres.
    SizeAssumed {
        /// In whole millimetres.
        width: u32,
    },
    /// The picture found less room than it would take: it was made smaller, to this part in percent.
    Smaller {
        /// In percent of its own size.
        percent: u32,
    },
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AnchorRepeated { text, times, page } => {
                write!(
                    f,
                    "the text {text:?} stands there {times} times; the last one, on page {page}, was taken"
                )
            }
            Self::Ink { red: true } => {
                f.write_str("the picture of the seal is not red, as the decree wants it")
            }
            Self::Ink { red: false } => {
                f.write_str("the picture of the signature is not blue, as the decree wants it")
            }
            Self::Opaque => f.write_str("the picture is not transparent and hides what lies under it"),
            Self::SharpEdges => f.write_str(
                "the file is PDF/A that allows no half transparency, so the picture has sharp edges",
            ),
            Self::Scan => {
                f.write_str("the page is one picture, so what lies under the appearance is not known")
            }
            Self::SeveralSigners { field } => {
                write!(
                    f,
                    "several signatures can be seen; the seal stands at the last one, in the field {field:?}"
                )
            }
            Self::SizeAssumed { width } => {
                write!(f, "the picture does not say how large it is; it is drawn {width} mm wide")
            }
            Self::Smaller { percent } => {
                write!(f, "there is less room than the picture takes; it is drawn at {percent} % of its size")
            }
        }
    }
}

impl Note {
    /// The same in Vietnamese.
    pub fn vietnamese(&self) -> String {
        match self {
            Self::AnchorRepeated { text, times, page } => {
                format!("dòng chữ {text:?} có {times} chỗ; đã chọn chỗ cuối cùng, ở trang {page}")
            }
            Self::Ink { red: true } => "hình con dấu không phải màu đỏ như nghị định quy định".to_owned(),
            Self::Ink { red: false } => "hình chữ ký không phải màu xanh như nghị định quy định".to_owned(),
            Self::Opaque => "hình không có nền trong suốt nên che nội dung bên dưới".to_owned(),
            Self::SharpEdges => {
                "tệp là PDF/A không cho phép độ trong suốt một phần nên hình có viền sắc".to_owned()
            }
            Self::Scan => "trang là một ảnh chụp nên không biết bên dưới hình hiển thị có gì".to_owned(),
            Self::SeveralSigners { field } => {
                format!("có nhiều chữ ký hiển thị; con dấu đặt tại chữ ký cuối cùng, trong trường {field:?}")
            }
            Self::SizeAssumed { width } => {
                format!("tệp hình không cho biết kích thước; hình được vẽ rộng {width} mm")
            }
            Self::Smaller { percent } => {
                format!("không đủ chỗ cho hình; hình được vẽ bằng {percent} % kích thước")
            }
        }
    }
}

/// Draws an appearance and finds its place in the document.
///
/// # Errors
///
/// See [`AppearanceError`].
pub fn compose(
    document: &Document,
    appearance: &Appearance,
    facts: &Facts,
) -> Result<Composed, AppearanceError> {
    place::compose(document, appearance, facts)
}

/// Why there is no appearance. Nothing was signed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AppearanceError {
    /// The anchor is not in the document.
    #[error(
        "the text {text:?} is on no page; look how the document writes it, or give --page and --rect instead"
    )]
    AnchorMissing {
        /// The anchor.
        text: String,
    },
    /// The appearance would not fit where it was asked for.
    #[error(
        "the text does not fit into {width:.0} by {height:.0} points even in small letters; give it more room"
    )]
    BoxTooSmall {
        /// In points.
        width: f64,
        /// In points.
        height: f64,
    },
    /// The font.
    #[error(transparent)]
    Font(#[from] FontError),
    /// Something that the role needs was not given.
    #[error("{what}")]
    Missing {
        /// What, and how to give it.
        what: &'static str,
        /// The same in Vietnamese.
        vietnamese: &'static str,
    },
    /// No place where the text would cover nothing.
    #[error("page {page} has no free place for it; give one with --page and --rect")]
    NoRoom {
        /// From 1 on.
        page: usize,
    },
    /// The document has no such page.
    #[error("the document has {pages} pages, and page {page} is asked for")]
    NoSuchPage {
        /// As asked for.
        page: usize,
        /// How many there are.
        pages: usize,
    },
    /// It would not lie on the page.
    #[error(
        "the {width:.0} by {height:.0} points at ({left:.0}, {bottom:.0}) leave the page, which is {page_width:.0} by {page_height:.0} points; choose another place or a smaller picture"
    )]
    OffPage {
        /// In points from the lower left corner of the page as a reader sees it.
        left: f64,
        /// In the same measure.
        bottom: f64,
        /// In points.
        width: f64,
        /// In points.
        height: f64,
        /// In points.
        page_width: f64,
        /// In points.
        page_height: f64,
    },
    /// The document cannot be read.
    #[error("the page cannot be read: {0}")]
    Pdf(#[from] PdfError),
    /// What the QR code would say is too long for one.
    #[error("the QR code's text is {length} bytes long, and 300 fit; give a shorter address")]
    QrTooLong {
        /// In bytes.
        length: usize,
    },
    /// The picture is of a size that no seal and no signature has.
    #[error("the picture would be {millimetres:.0} mm wide on paper; say its true width with --picture-mm")]
    StrangeSize {
        /// On paper.
        millimetres: f64,
    },
    /// The lines around the anchor leave no room.
    #[error(
        "there is no room for a picture at the text {text:?}: the lines above and below it are too near; give --page and --rect instead"
    )]
    Tight {
        /// The anchor.
        text: String,
    },
}

impl AppearanceError {
    /// The same in Vietnamese.
    pub fn vietnamese(&self) -> String {
        match self {
            Self::AnchorMissing { text } => format!(
                "Không tìm thấy dòng chữ \"{text}\" trên trang nào; hãy xem văn bản viết thế nào, hoặc cho biết trang và vị trí."
            ),
            Self::BoxTooSmall { width, height } => format!(
                "Nội dung không vừa khung {width:.0} x {height:.0} điểm dù đã thu nhỏ chữ; hãy cho khung lớn hơn."
            ),
            Self::Font(FontError::Letter { name, letter }) => {
                format!("Phông {name} không có chữ {letter}; hãy chọn phông khác.")
            }
            Self::Font(FontError::Licence { name }) => {
                format!("Phông {name} không được phép nhúng vào văn bản; hãy chọn phông khác.")
            }
            Self::Font(_) => "Không đọc được phông chữ.".to_owned(),
            Self::Missing { vietnamese, .. } => (*vietnamese).to_owned(),
            Self::NoRoom { page } => {
                format!("Trang {page} không còn chỗ trống; hãy cho biết trang và vị trí.")
            }
            Self::NoSuchPage { page, pages } => format!("Văn bản có {pages} trang, không có trang {page}."),
            Self::OffPage { .. } => {
                "Hình hiển thị vượt ra ngoài trang; hãy chọn vị trí khác hoặc hình nhỏ hơn.".to_owned()
            }
            Self::Pdf(_) => "Không đọc được nội dung trang.".to_owned(),
            Self::QrTooLong { length } => {
                format!("Nội dung mã QR dài {length} byte, tối đa 300; hãy dùng địa chỉ ngắn hơn.")
            }
            Self::StrangeSize { millimetres } => {
                format!("Hình sẽ rộng {millimetres:.0} mm trên giấy; hãy cho biết chiều rộng thật của hình.")
            }
            Self::Tight { text } => format!(
                "Không đủ chỗ cho hình chữ ký tại dòng \"{text}\": các dòng trên và dưới quá gần; hãy cho biết trang và vị trí."
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notes_are_told_in_both_languages() {
        for note in [
            Note::AnchorRepeated { text: "CHỦ TỊCH".to_owned(), times: 2, page: 3 },
            Note::Ink { red: true },
            Note::Ink { red: false },
            Note::Opaque,
            Note::SharpEdges,
            Note::Scan,
            Note::SeveralSigners { field: "Signature1".to_owned() },
            Note::SizeAssumed { width: 36 },
            Note::Smaller { percent: 70 },
        ] {
            let (english, vietnamese) = (note.to_string(), note.vietnamese());
            assert_ne!(english, vietnamese);
            assert!(!vietnamese.contains("the ") && !vietnamese.ends_with('.'), "{vietnamese}");
            let again: Note = serde_json::from_value(serde_json::to_value(&note).unwrap()).unwrap();
            assert_eq!(again, note, "what is put away with a prepared signature is found again");
        }
    }
}
