//! Recognises unsupported files by content, and names the format to save as.

use std::io::Read;

use thiserror::Error;

use crate::{archive::Archive, reader::FeedError};

/// A recognised, unsupported format.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
pub enum Foreign {
    /// `.xlsb`
    #[error(
        "The file is a binary Excel workbook (.xlsb). Save it as .xlsx or CSV and upload that."
    )]
    BinaryWorkbook,
    /// `.numbers`
    #[error(
        "The file is a Numbers document. Export it as Excel or CSV (File > Export To) and upload that."
    )]
    Numbers,
    /// `.pages` and `.key`
    #[error(
        "The file is a Pages or Keynote document. Copy the list into a spreadsheet, save it as Excel or \
        CSV and upload that."
    )]
    AppleDocument,
    /// `.rtf`
    #[error(
        "The file is formatted text (RTF). Save it as plain text (in TextEdit: Format > Make Plain \
        Text) or CSV and upload that."
    )]
    Rtf,
    /// `.pdf`
    #[error(
        "The file is a PDF, which cannot be imported. Upload the original list as Excel or CSV."
    )]
    Pdf,
    /// `.docx`, `.doc` and `.odt`
    #[error(
        "The file is a text document, not a product list. Copy its table into a spreadsheet, save that \
        as Excel or CSV and upload it."
    )]
    TextDocument,
    /// `.pptx` and `.odp`
    #[error("The file is a presentation, not a product list. Upload the list as Excel or CSV.")]
    Presentation,
    /// An image.
    #[error("The file is an image, not a product list. Upload the list as Excel or CSV.")]
    Image,
    /// An unsupported archive.
    #[error(
        "This archive format is not supported (RAR, 7-Zip, bzip2, xz, Zstandard or tar). Unpack it and \
        upload the product file."
    )]
    Archive,
    /// A database.
    #[error(
        "The file is a database, not a product list. Export the products as CSV and upload that."
    )]
    Database,
}

/// Magic numbers.
const HEADS: [(&[u8], Foreign); 25] = [
    (b"{\\rtf", Foreign::Rtf),
    (b"%PDF", Foreign::Pdf),
    (b"\x89PNG\r\n\x1A\n", Foreign::Image),
    (b"\xFF\xD8\xFF", Foreign::Image),
    (b"GIF87a", Foreign::Image),
    (b"GIF89a", Foreign::Image),
    (b"II*\0", Foreign::Image),
    (b"MM\0*", Foreign::Image),
    (b"8BPS", Foreign::Image),
    (b"<svg", Foreign::Image),
    (b"\0\0\x01\0", Foreign::Image),
    (b"Rar!\x1A\x07", Foreign::Archive),
    (b"7z\xBC\xAF\x27\x1C", Foreign::Archive),
    (b"BZh9", Foreign::Archive),
    (b"BZh6", Foreign::Archive),
    (b"\xFD7zXZ\0", Foreign::Archive),
    (b"\x28\xB5\x2F\xFD", Foreign::Archive),
    (b"\x04\x22\x4D\x18", Foreign::Archive),
    (b"\x1F\x9D", Foreign::Archive),
    (b"\x60\xEA", Foreign::Archive),
    (b"SQLite format 3\0", Foreign::Database),
    (b"\0\x01\0\0Standard Jet DB", Foreign::Database),
    (b"\0\x01\0\0Standard ACE DB", Foreign::Database),
    (b"PGDMP", Foreign::Database),
    (b"bplist00", Foreign::AppleDocument),
];

/// Position and value of the tar magic.
const TAR: (usize, &[u8]) = (257, b"ustar");

/// Maximum bytes of an OpenDocument media type.
const MAX_MEDIA_TYPE: u64 = 200;

impl Foreign {
    /// Returns its code on the wire and in the database.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::BinaryWorkbook => "binary-workbook",
            Self::Numbers => "numbers-document",
            Self::AppleDocument => "apple-document",
            Self::Rtf => "rtf",
            Self::Pdf => "pdf",
            Self::TextDocument => "text-document",
            Self::Presentation => "presentation",
            Self::Image => "image-file",
            Self::Archive => "unknown-archive",
            Self::Database => "database",
        }
    }

    /// Recognises a file by its first bytes.
    pub(crate) fn of_head(head: &[u8]) -> Option<Self> {
        let known = HEADS.iter().find(|(start, _)| head.starts_with(start));
        if let Some((_, foreign)) = known {
            return Some(*foreign);
        }
        if head.get(TAR.0..TAR.0 + TAR.1.len()) == Some(TAR.1) {
            return Some(Self::Archive);
        }
        let riff = head.starts_with(b"RIFF") && head.get(8..12) == Some(b"WEBP");
        let heif = head.get(4..8) == Some(b"ftyp");
        let bitmap = head.starts_with(b"BM") && head.get(6..10) == Some(&[0; 4]);
        (riff || heif || bitmap).then_some(Self::Image)
    }

    /// Recognises an archive that is another program's document.
    pub(crate) fn of_archive(archive: &Archive) -> Option<Self> {
        let has = |name: &str| archive.find(name).is_some();
        let has_any =
            |test: &dyn Fn(&[u8]) -> bool| archive.files.iter().any(|file| test(&file.name));
        if has("xl/workbook.bin") {
            Some(Self::BinaryWorkbook)
        } else if has("word/document.xml") {
            Some(Self::TextDocument)
        } else if has("ppt/presentation.xml") {
            Some(Self::Presentation)
        } else if has_any(&|name| name.ends_with(b".iwa")) || has("Index.zip") {
            let has_tables = has_any(&|name| {
                name.starts_with(b"Index/Tables/") || name.starts_with(b"Index/CalculationEngine")
            });
            let is_other = has_any(&|name| name.starts_with(b"Index/Slide"));
            Some(if has_tables && !is_other {
                Self::Numbers
            } else {
                Self::AppleDocument
            })
        } else {
            None
        }
    }

    /// Recognises an OpenDocument that is not a spreadsheet.
    ///
    /// # Errors
    ///
    /// If it cannot be read.
    pub(crate) fn of_open_document(archive: &Archive) -> Result<Option<Self>, FeedError> {
        let Some(part) = archive.find("mimetype") else {
            return Ok(None);
        };
        let mut kind = String::new();
        // Not UTF-8: unknown.
        let _ = archive
            .stream(part)?
            .take(MAX_MEDIA_TYPE)
            .read_to_string(&mut kind);
        Ok(if kind.contains("opendocument.text") {
            Some(Self::TextDocument)
        } else if kind.contains("opendocument.presentation") {
            Some(Self::Presentation)
        } else {
            None
        })
    }
}
