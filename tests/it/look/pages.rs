//! Pages of all kinds, written byte by byte.

use kyso::pdf::{Area, Object};

use super::open;

/// A page that is turned, cut, moved or measured in another unit, with a position and a name on it that stand upright
/// before the reader.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sheet {
    turns: u8,
    unit: f64,
    /// In user units.
    offset: (f64, f64),
    cut: f64,
}

impl Sheet {
    pub(super) fn kinds() -> Vec<Self> {
        let mut kinds = Vec::new();
        for turns in 0..4 {
            kinds.push(Self { turns, unit: 1.0, offset: (0.0, 0.0), cut: 0.0 });
            kinds.push(Self { turns, unit: 2.0, offset: (-120.0, 77.5), cut: 11.0 });
            kinds.push(Self { turns, unit: 0.5, offset: (300.0, -40.0), cut: 25.0 });
        }
        kinds
    }

    /// What is seen, in user units.
    pub(super) fn crop(&self) -> Area {
        let (width, height) = if self.turns.is_multiple_of(2) { (595.0, 842.0) } else { (842.0, 595.0) };
        let (x, y) = self.offset;
        Area::new(x + self.cut, y + self.cut, width / self.unit, height / self.unit)
    }

    /// What is seen, in points.
    pub(super) fn shown(&self) -> Area {
        Area::new(0.0, 0.0, 595.0, 842.0)
    }

    /// In points from the left edge.
    pub(super) fn position_centre(&self) -> f64 {
        // Twelve letters of Courier, 7.2 points each.
        400.0 + 12.0 * 7.2 / 2.0
    }

    pub(super) fn pdf(&self) -> Vec<u8> {
        let crop = self.crop();
        let (s, Area { left, bottom, right, top }) = (1.0 / self.unit, crop);
        let matrix = match self.turns {
            0 => [s, 0.0, 0.0, s, left, bottom],
            1 => [0.0, s, -s, 0.0, right, bottom],
            2 => [-s, 0.0, 0.0, -s, right, top],
            _ => [0.0, -s, s, 0.0, left, top],
        };
        let matrix = matrix.map(|value| value.to_string()).join(" ");
        let text =
            "BT /F1 12 Tf 1 0 0 1 400 300 Tm (PHO CHU TICH) Tj 1 0 0 1 396 200 Tm (Tran Van Mau) Tj ET";
        let media = crop.grown(self.cut);
        let sides = |area: Area| format!("[{} {} {} {}]", area.left, area.bottom, area.right, area.top);
        let unit =
            if (self.unit - 1.0).abs() > 1e-9 { format!("/UserUnit {}", self.unit) } else { String::new() };
        let page = format!(
            "<< /Type /Page /Parent 2 0 R /MediaBox {} /CropBox {} /Rotate {} {unit} /Contents 4 0 R \
             /Resources << /Font << /F1 5 0 R >> >> >>",
            sides(media),
            sides(crop),
            i32::from(self.turns) * 90,
        );
        let content = format!("q {matrix} cm {text} Q");
        write(&[
            "<< /Type /Catalog /Pages 2 0 R >>".to_owned(),
            "<< /Type /Pages /Kids [3 0 R] /Count 1 >>".to_owned(),
            page,
            stream("", &content),
            COURIER.to_owned(),
        ])
    }
}

/// Four quarters: red and green above, blue and yellow below.
pub(super) fn probe() -> Vec<u8> {
    let mut dots = Vec::new();
    for y in 0..40 {
        for x in 0..60 {
            dots.extend_from_slice(match (x < 30, y < 20) {
                (true, true) => &[220, 0, 0, 255],
                (false, true) => &[0, 180, 0, 255],
                (true, false) => &[0, 0, 220, 255],
                (false, false) => &[230, 230, 0, 254],
            });
        }
    }
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, 60, 40);
    encoder.set_color(png::ColorType::Rgba);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.write_header().unwrap().write_image_data(&dots).unwrap();
    file
}

/// A page of nothing but its claim to be PDF/A of this part, level B.
pub(super) fn archive_file(part: u8) -> Vec<u8> {
    let xmp = format!(
        "<?xpacket begin=\"\u{FEFF}\" id=\"W5M0MpCehiHzreSzNTczkc9d\"?>\n<x:xmpmeta xmlns:x=\"adobe:ns:meta/\">\
         <rdf:RDF xmlns:rdf=\"http://www.w3.org/1999/02/22-rdf-syntax-ns#\"><rdf:Description rdf:about=\"\" \
         xmlns:pdfaid=\"http://www.aiim.org/pdfa/ns/id/\" pdfaid:part=\"{part}\" pdfaid:conformance=\"B\"/>\
         </rdf:RDF></x:xmpmeta>\n<?xpacket end=\"w\"?>"
    );
    write(&[
        "<< /Type /Catalog /Pages 2 0 R /Metadata 5 0 R >>".to_owned(),
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>".to_owned(),
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources << >> >>".to_owned(),
        stream("", "q Q"),
        stream("/Type /Metadata /Subtype /XML ", &xmp),
    ])
}

/// A page of small print from edge to edge.
pub(super) fn full_page() -> Vec<u8> {
    let lines: String =
        (0..84).map(|line| format!("1 0 0 1 2 {} Tm ({}) Tj ", 832 - line * 10, "x".repeat(98))).collect();
    write(&[
        "<< /Type /Catalog /Pages 2 0 R >>".to_owned(),
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>".to_owned(),
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R \
         /Resources << /Font << /F1 5 0 R >> >> >>"
            .to_owned(),
        stream("", &format!("BT /F1 10 Tf {lines} ET")),
        COURIER.to_owned(),
    ])
}

/// A page with an empty signature field that can be seen, its place, and another that cannot.
pub(super) fn with_empty_field() -> (Vec<u8>, Area) {
    let field = |name: &str, sides: &str| {
        format!("<< /Type /Annot /Subtype /Widget /FT /Sig /T ({name}) /F 4 /P 3 0 R /Rect [{sides}] >>")
    };
    let pdf = write(&[
        "<< /Type /Catalog /Pages 2 0 R /AcroForm << /Fields [6 0 R 7 0 R] /SigFlags 1 >> >>".to_owned(),
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>".to_owned(),
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Annots [6 0 R 7 0 R] \
         /Resources << /Font << /F1 5 0 R >> >> >>"
            .to_owned(),
        stream("", "BT /F1 12 Tf 1 0 0 1 300 300 Tm (CHU TICH) Tj ET"),
        COURIER.to_owned(),
        field("LanhDao", "280 200 430 290"),
        field("An", "0 0 0 0"),
    ]);
    (pdf, Area { left: 280.0, bottom: 200.0, right: 430.0, top: 290.0 })
}

/// `/Rect` of every widget of the last revision's pages, in user units.
pub(super) fn widgets(pdf: &[u8]) -> Vec<Area> {
    open(pdf).seen_fields().unwrap().into_iter().map(|field| field.area).collect()
}

/// The number of the last object whose text holds `wanted`.
pub(super) fn object_with(pdf: &[u8], wanted: &str) -> u32 {
    let document = open(pdf);
    let size = u32::try_from(document.trailer().integer("Size").unwrap()).unwrap();
    let holds = |number: &u32| text(&document.object((*number, 0)).unwrap()).contains(wanted);
    (1..size).rev().find(holds).unwrap_or_else(|| panic!("no object with {wanted}"))
}

pub(super) fn text_of(pdf: &[u8], number: u32) -> String {
    text(&open(pdf).object((number, 0)).unwrap())
}

fn text(object: &Object) -> String {
    let mut bytes = Vec::new();
    object.write(&mut bytes);
    String::from_utf8_lossy(&bytes).into_owned()
}

fn stream(entries: &str, data: &str) -> String {
    format!("<< {entries}/Length {} >>\nstream\n{data}\nendstream", data.len())
}

/// A file of these objects, from 1 on; the first is the catalog.
fn write(objects: &[String]) -> Vec<u8> {
    let mut file = b"%PDF-1.7\n%\xE2\xE3\xCF\xD3\n".to_vec();
    let mut offsets = Vec::new();
    for (at, object) in objects.iter().enumerate() {
        offsets.push(file.len());
        file.extend_from_slice(format!("{} 0 obj\n{object}\nendobj\n", at + 1).as_bytes());
    }
    let start = file.len();
    file.extend_from_slice(format!("xref\n0 {}\n0000000000 65535 f \n", objects.len() + 1).as_bytes());
    for offset in offsets {
        file.extend_from_slice(format!("{offset:010} 00000 n \n").as_bytes());
    }
    let id = "<00112233445566778899AABBCCDDEEFF>";
    file.extend_from_slice(
        format!(
            "trailer\n<< /Size {} /Root 1 0 R /ID [{id} {id}] >>\nstartxref\n{start}\n%%EOF\n",
            objects.len() + 1
        )
        .as_bytes(),
    );
    file
}

const COURIER: &str = "<< /Type /Font /Subtype /Type1 /BaseFont /Courier /FirstChar 32 /LastChar 126 /Widths \
    [600 600 600 600 600 600 600 600 600 600 600 600 600 600 600 600 600 600 600 600 600 600 600 600 600 600 600 600 \
    600 600 600 600 600 600 600 600 600 600 600 600 600 600 600 600 600 600 600 600 600 600 600 600 600 600 600 600 \
    600 600 600 600 600 600 600 600 600 600 600 600 600 600 600 600 600 600 600 600 600 600 600 600 600 600 600 600 \
    600 600 600 600 600 600 600 600 600 600 600] >>";
