//! Small files that would like to be large work. The tests ask for a plain answer to each; the bench measures time and
//! memory of a whole `kyso verify`, for `docs/limits.md`. They share this file.

use std::io::Write as _;

use flate2::{Compression, write::ZlibEncoder};

/// A PDF made to cost much.
#[derive(Clone)]
pub(crate) struct Bomb {
    pub(crate) name: &'static str,
    pub(crate) make: fn() -> Vec<u8>,
}

/// All of them.
pub(crate) fn all() -> Vec<Bomb> {
    let bombs: [(&'static str, fn() -> Vec<u8>); 20] = [
        ("cross-reference stream of 8 million free entries", free_entries),
        ("cross-reference table of 9,999,999,999 entries", endless_table),
        ("object stream that unpacks to 257 MiB", unpacked),
        ("object stream packed twice", packed_twice),
        ("40 object streams of 100 MB each", || many_unpacked(40, 100 << 20)),
        ("object stream that holds its own length", own_length),
        ("object stream that says it is in itself", in_itself),
        ("/Prev that leads to itself", || prev(&[0])),
        ("/Prev that leads forward in a circle", || prev(&[1, 0])),
        ("2,000 empty revisions", || revisions(2_000)),
        ("arrays 200,000 deep", || deep(b"[", b"]")),
        ("dictionaries 200,000 deep", || deep(b"<</A", b">>")),
        ("an array of 3 million numbers", long_array),
        ("references in a circle", circle),
        ("a form whose fields are their own kids", form_in_a_circle),
        ("a form tree of 2^40 paths", wide_form),
        ("20,000 signature fields with one value", || signature_fields(20_000, true)),
        ("20,000 signature fields with a value each", || signature_fields(20_000, false)),
        ("a page tree of 2^40 paths", wide_pages),
        ("10,000 evidence streams of 15 MB of zeros", evidence),
    ];
    bombs.map(|(name, make)| Bomb { name, make }).to_vec()
}

/// A file of numbered objects with a classic table.
pub(crate) struct Builder {
    pub(crate) pdf: Vec<u8>,
    offsets: Vec<(u32, usize)>,
}

impl Builder {
    pub(crate) fn new() -> Self {
        Self { pdf: b"%PDF-1.7\n%\xE2\xE3\xCF\xD3\n".to_vec(), offsets: Vec::new() }
    }

    pub(crate) fn object(mut self, number: u32, body: impl AsRef<[u8]>) -> Self {
        self.offsets.push((number, self.pdf.len()));
        self.pdf.extend_from_slice(format!("{number} 0 obj\n").as_bytes());
        self.pdf.extend_from_slice(body.as_ref());
        self.pdf.extend_from_slice(b"\nendobj\n");
        self
    }

    pub(crate) fn stream(self, number: u32, entries: &str, data: &[u8]) -> Self {
        let head = format!("<<{entries}/Length {}>>\nstream\n", data.len());
        self.object(number, [head.as_bytes(), data, b"\nendstream"].concat())
    }

    pub(crate) fn pages(self) -> Self {
        self.object(2, "<</Type/Pages/Kids[3 0 R]/Count 1>>")
            .object(3, "<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]>>")
    }

    pub(crate) fn end(mut self, trailer: &str) -> Vec<u8> {
        let at = self.pdf.len();
        let mut table = "xref\n0 1\n0000000000 65535 f \n".to_owned();
        for (number, offset) in &self.offsets {
            table.push_str(&format!("{number} 1\n{offset:010} 00000 n \n"));
        }
        let size = self.offsets.iter().map(|(number, _)| number + 1).max().unwrap_or(1);
        let rest = format!("{table}trailer\n<</Size {size}/Root 1 0 R{trailer}>>\nstartxref\n{at}\n%%EOF\n");
        self.pdf.extend_from_slice(rest.as_bytes());
        self.pdf
    }

    /// Ends it with a cross-reference stream that also has these rows: number, type, two fields.
    fn end_with_stream(mut self, more: &[(u32, u8, u32, u32)]) -> Vec<u8> {
        let at = self.pdf.len();
        let own = 1 + more
            .iter()
            .map(|row| row.0)
            .chain(self.offsets.iter().map(|(number, _)| *number))
            .max()
            .unwrap_or(0);
        let place = |offset: usize| u32::try_from(offset).unwrap_or(u32::MAX);
        let mut rows: Vec<_> =
            self.offsets.iter().map(|(number, offset)| (*number, 1_u8, place(*offset), 0_u32)).collect();
        rows.push((own, 1, place(at), 0));
        rows.extend_from_slice(more);
        rows.sort_unstable();
        let index: String = rows.iter().map(|row| format!("{} 1 ", row.0)).collect();
        let data: Vec<u8> = rows
            .iter()
            .flat_map(|(_, kind, first, second)| {
                [&[*kind][..], &first.to_be_bytes(), &second.to_be_bytes()].concat()
            })
            .collect();
        let entries = format!("/Type/XRef/W[1 4 4]/Index[{index}]/Size {}/Root 1 0 R", own + 1);
        self = self.stream(own, &entries, &data);
        self.pdf.extend_from_slice(format!("startxref\n{at}\n%%EOF\n").as_bytes());
        self.pdf
    }
}

/// One page.
pub(crate) fn plain(catalog: &str) -> Builder {
    Builder::new().object(1, format!("<</Type/Catalog/Pages 2 0 R{catalog}>>")).pages()
}

/// `len` zeros behind `head`, compressed.
pub(crate) fn zeros(head: &[u8], len: usize) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
    let piece = vec![0_u8; 1 << 20];
    encoder.write_all(head).expect("memory takes it");
    for at in (0..len).step_by(piece.len()) {
        encoder.write_all(&piece[..piece.len().min(len - at)]).expect("memory takes it");
    }
    encoder.finish().expect("memory takes it")
}

fn free_entries() -> Vec<u8> {
    let mut builder = plain("");
    let at = builder.pdf.len();
    let count = 8_000_000;
    // The first rows say where catalog and pages are; the others are zeros, that is: free.
    let mut head = vec![0; 17];
    for (_, offset) in &builder.offsets {
        head.push(1);
        head.extend_from_slice(&(*offset as u64).to_be_bytes());
        head.extend_from_slice(&[0; 8]);
    }
    let data = zeros(&head, count * 17 - head.len()); // 136 MB
    let entries = format!("/Type/XRef/W[1 8 8]/Filter/FlateDecode/Size {count}/Root 1 0 R");
    builder = builder.stream(4, &entries, &data);
    builder.pdf.extend_from_slice(format!("startxref\n{at}\n%%EOF\n").as_bytes());
    builder.pdf
}

fn endless_table() -> Vec<u8> {
    let mut pdf = plain("").pdf;
    let at = pdf.len();
    pdf.extend_from_slice(b"xref\n0 9999999999\n");
    pdf.extend_from_slice(&b"0000000000 65535 f \n".repeat(100_000));
    pdf.extend_from_slice(format!("trailer\n<</Size 9/Root 1 0 R>>\nstartxref\n{at}\n%%EOF\n").as_bytes());
    pdf
}

/// The catalog lies in an object stream that unpacks to very much.
fn unpacked() -> Vec<u8> {
    let data = zeros(b"1 0 <</Type/Catalog/Pages 2 0 R>>", 257 << 20);
    Builder::new()
        .pages()
        .stream(5, "/Type/ObjStm/N 1/First 4/Filter/FlateDecode", &data)
        .end_with_stream(&[(1, 2, 5, 0)])
}

fn packed_twice() -> Vec<u8> {
    let data = zeros(&zeros(b"1 0 <</Type/Catalog/Pages 2 0 R>>", 8 << 20), 0);
    Builder::new()
        .pages()
        .stream(5, "/Type/ObjStm/N 1/First 4/Filter[/FlateDecode/FlateDecode]", &data)
        .end_with_stream(&[(1, 2, 5, 0)])
}

/// Each kid of the form's one field lies in an object stream of its own, which unpacks to `len` zeros.
pub(crate) fn many_unpacked(count: u32, len: usize) -> Vec<u8> {
    let kids: String = (0..count).map(|at| format!("{} 0 R ", 1000 + at)).collect();
    let mut builder = Builder::new()
        .object(1, "<</Type/Catalog/Pages 2 0 R/AcroForm<</Fields[4 0 R]>>>>")
        .pages()
        .object(4, format!("<</FT/Sig/T(a)/Kids[{kids}]>>"));
    // The same bytes in each stream: all kids, of which the cross-reference takes one.
    let head: String = (0..count).map(|at| format!("{} {} ", 1000 + at, 11 * at)).collect();
    let bodies = "<</T(kid)>>".repeat(usize::try_from(count).unwrap_or_default());
    let data = zeros(format!("{head}{bodies}").as_bytes(), len);
    let entries = format!("/Type/ObjStm/N {count}/First {}/Filter/FlateDecode", head.len());
    let mut rows = Vec::new();
    for at in 0..count {
        builder = builder.stream(100 + at, &entries, &data);
        rows.push((1000 + at, 2, 100 + at, at));
    }
    builder.end_with_stream(&rows)
}

fn own_length() -> Vec<u8> {
    let data = b"1 0 6 32 <</Type/Catalog/Pages 2 0 R>> 42";
    let head = b"<</Type/ObjStm/N 2/First 9/Length 6 0 R>>\nstream\n";
    Builder::new()
        .pages()
        .object(5, [&head[..], &data[..], b"\nendstream"].concat())
        .end_with_stream(&[(1, 2, 5, 0), (6, 2, 5, 1)])
}

fn in_itself() -> Vec<u8> {
    Builder::new().pages().end_with_stream(&[(1, 2, 5, 0), (5, 2, 5, 0)])
}

/// Tables one behind the other, each leading to the one that `to` names.
fn prev(to: &[usize]) -> Vec<u8> {
    let mut pdf = plain("").end("");
    let first = find_last_startxref(&pdf);
    // All tables are of one length, so that a place can be told before it is written.
    let place = |at: usize, len: usize| len + at * TABLE;
    let len = pdf.len();
    for (at, target) in to.iter().enumerate() {
        let own = place(at, len);
        let text = format!(
            "xref\n0 1\n0000000000 65535 f \ntrailer\n<</Size 4/Root 1 0 R/Prev {:010}>>\nstartxref\n{own:010}\n%%EOF\n",
            place(*target, len)
        );
        assert_eq!(text.len(), TABLE);
        pdf.extend_from_slice(text.as_bytes());
    }
    assert!(first < len);
    pdf
}

const TABLE: usize = 103;

fn find_last_startxref(pdf: &[u8]) -> usize {
    let at = pdf.windows(9).rposition(|window| window == b"startxref").expect("it ends so");
    let digits = pdf[at + 10..].iter().take_while(|byte| byte.is_ascii_digit());
    digits.fold(0, |number, digit| number * 10 + usize::from(digit - b'0'))
}

fn revisions(count: usize) -> Vec<u8> {
    let mut pdf = plain("").end("");
    let mut previous = find_last_startxref(&pdf);
    for _ in 0..count {
        let at = pdf.len();
        pdf.extend_from_slice(
            format!("xref\n0 0\ntrailer\n<</Size 4/Root 1 0 R/Prev {previous}>>\nstartxref\n{at}\n%%EOF\n")
                .as_bytes(),
        );
        previous = at;
    }
    pdf
}

fn deep(open: &[u8], close: &[u8]) -> Vec<u8> {
    let body = [open.repeat(200_000), b"1 ".to_vec(), close.repeat(200_000)].concat();
    plain("/AcroForm 4 0 R").object(4, body).end("")
}

fn long_array() -> Vec<u8> {
    plain("/AcroForm 4 0 R")
        .object(4, [b"[".to_vec(), b"1 ".repeat(3_000_000), b"]".to_vec()].concat())
        .end("")
}

fn circle() -> Vec<u8> {
    plain("/AcroForm 4 0 R").object(4, "5 0 R").object(5, "4 0 R").end("")
}

fn form_in_a_circle() -> Vec<u8> {
    plain("/AcroForm<</Fields[4 0 R]>>")
        .object(4, "<</FT/Sig/T(a)/Kids[5 0 R 4 0 R]/Parent 5 0 R>>")
        .object(5, "<</T(b)/Kids[4 0 R 5 0 R]/Parent 4 0 R>>")
        .end("")
}

fn wide_form() -> Vec<u8> {
    let mut builder = plain("/AcroForm<</Fields[10 0 R]>>");
    for at in 10..50 {
        builder = builder.object(at, format!("<</T(a)/FT/Sig/Kids[{} 0 R {} 0 R]>>", at + 1, at + 1));
    }
    builder.object(50, "<</T(end)/FT/Sig>>").end("")
}

fn wide_pages() -> Vec<u8> {
    let mut builder = Builder::new()
        .object(1, "<</Type/Catalog/Pages 10 0 R/AcroForm<</Fields[60 0 R]>>>>")
        .object(60, "<</FT/Sig/T(a)/V 61 0 R>>")
        .object(61, "<</Type/Sig/SubFilter/ETSI.CAdES.detached/ByteRange[0 10 20 30]/Contents<00>>>");
    for at in 10..50 {
        builder = builder.object(at, format!("<</Type/Pages/Kids[{} 0 R {} 0 R]/Count 2>>", at + 1, at + 1));
    }
    let pdf = builder.object(50, "<</Type/Page/MediaBox[0 0 1 1]>>").end("");
    behind(pdf, "10 0 obj\n<</Type/Pages/Kids[11 0 R 11 0 R 11 0 R]/Count 3>>\nendobj\n", 10)
}

/// A later revision of one object.
fn behind(mut pdf: Vec<u8>, object: &str, number: u32) -> Vec<u8> {
    let (previous, place) = (find_last_startxref(&pdf), pdf.len());
    pdf.extend_from_slice(object.as_bytes());
    let at = pdf.len();
    pdf.extend_from_slice(
        format!(
            "xref\n{number} 1\n{place:010} 00000 n \ntrailer\n<</Size 62/Root 1 0 R/Prev {previous}>>\nstartxref\n{at}\n\
             %%EOF\n"
        )
        .as_bytes(),
    );
    pdf
}

fn signature_fields(count: u32, shared: bool) -> Vec<u8> {
    let fields: String = (0..count).map(|at| format!("{} 0 R ", 10 + at)).collect();
    let mut builder = plain(&format!("/AcroForm<</Fields[{fields}]>>"));
    let value = "<</Type/Sig/SubFilter/ETSI.CAdES.detached/ByteRange[0 10 20 30]/Contents<00>>>";
    for at in 0..count {
        let of = if shared { 4 } else { 100_000 + at };
        builder = builder.object(10 + at, format!("<</FT/Sig/T(f{at})/V {of} 0 R>>"));
        if !shared {
            builder = builder.object(of, value);
        }
    }
    if shared { builder.object(4, value) } else { builder }.end("")
}

/// A `/DSS` whose lists all name one stream.
fn evidence() -> Vec<u8> {
    let many = "6 0 R ".repeat(10_000);
    plain("/DSS 5 0 R")
        .object(5, format!("<</Certs[{many}]/CRLs[{many}]/OCSPs[{many}]>>"))
        .stream(6, "/Filter/FlateDecode", &zeros(b"", 15 << 20))
        .end("")
}
