//! Takes a product file in: from a multipart request to a file on disk.

use axum::{
    Json,
    extract::{
        Multipart, State,
        multipart::{Field, MultipartRejection},
    },
    http::StatusCode,
};
use std::{io, sync::Arc, time::Duration};
use tokio::io::{AsyncWriteExt, BufWriter};
use uuid::Uuid;

use super::{
    Service,
    message::JobBody,
    service::ServiceError,
    uploads::{Incoming, stored_name},
};
use crate::server::store::monitor_imports::MonitorImport;

/// Bytes that are looked at to tell text from what is none.
const HEAD: usize = 8 << 10;

/// Bytes that are written at once.
const BLOCK: usize = 256 << 10;

/// The most characters of a filename that are kept.
const MAX_FILENAME: usize = 255;

/// How long the rest of a refused upload is read, so that the client gets to read the answer.
const LINGER: Duration = Duration::from_secs(10);

/// `POST /api/products/imports`: stores the file, records the job and answers with it.
///
/// When the client goes away or the service shuts down before the file is complete, nothing stays.
pub(super) async fn upload(
    State(service): State<Arc<Service>>,
    multipart: Result<Multipart, MultipartRejection>,
) -> Result<(StatusCode, Json<JobBody>), ServiceError> {
    let mut multipart = multipart.map_err(|_| ServiceError::NotMultipart)?;
    let id = Uuid::now_v7().to_string();
    let receiving = receive(&service, &id, &mut multipart);
    let received = service.shutdown.run_until_cancelled(receiving).await;
    let (incoming, filename) = match received.ok_or(ServiceError::ShuttingDown)? {
        Ok(received) => received,
        Err(error) => {
            let rest = async { while let Ok(Some(_)) = multipart.next_field().await {} };
            let linger = tokio::time::timeout(LINGER, rest);
            let _ = service.shutdown.run_until_cancelled(linger).await;
            return Err(error);
        }
    };
    // From here on it must not matter whether the client is still there.
    let recording = record(Arc::clone(&service), id, incoming, filename);
    let import = service
        .tasks
        .spawn(recording)
        .await
        .map_err(io::Error::other)??;
    Ok((StatusCode::CREATED, Json(import.into())))
}

async fn receive(
    service: &Service,
    id: &str,
    multipart: &mut Multipart,
) -> Result<(Incoming, String), ServiceError> {
    while let Some(field) = multipart.next_field().await? {
        if field.name() == Some("file") {
            let filename = plain_filename(field.file_name());
            return Ok((store(service, id, field).await?, filename));
        }
    }
    Err(ServiceError::NoFile)
}

/// Writes the field to a file, and sees it onto the disk.
async fn store(
    service: &Service,
    id: &str,
    mut field: Field<'_>,
) -> Result<Incoming, ServiceError> {
    let (incoming, file) = service.uploads.begin(id).await?;
    let mut file = BufWriter::with_capacity(BLOCK, file);
    let mut size = 0_u64;
    let mut head = Vec::with_capacity(HEAD);
    while let Some(chunk) = field.chunk().await? {
        size += chunk.len() as u64;
        if size > service.options.max_upload {
            return Err(ServiceError::TooLarge(service.options.max_upload));
        }
        if head.len() < HEAD {
            let missing = chunk.len().min(HEAD - head.len());
            head.extend_from_slice(&chunk[..missing]);
            check_text(&head)?;
        }
        file.write_all(&chunk).await?;
    }
    if head.trim_ascii().is_empty() {
        return Err(ServiceError::Empty);
    }
    file.flush().await?;
    file.get_ref().sync_all().await?;
    Ok(service.uploads.complete(incoming, id).await?)
}

async fn record(
    service: Arc<Service>,
    id: String,
    incoming: Incoming,
    filename: String,
) -> Result<MonitorImport, ServiceError> {
    let import = service
        .store
        .add_monitor_import(&id, &filename, &stored_name(&id))
        .await?;
    incoming.keep();
    tracing::info!(id, "Import accepted");
    service.queue.push(id);
    Ok(import)
}

/// Refuses what is no text, with a hint where it is known what it is instead.
fn check_text(head: &[u8]) -> Result<(), ServiceError> {
    if head.starts_with(b"PK\x03\x04") || head.starts_with(b"\xD0\xCF\x11\xE0") {
        return Err(ServiceError::Workbook);
    }
    if head.starts_with(b"\xFF\xFE") || head.starts_with(b"\xFE\xFF") {
        return Err(ServiceError::Utf16);
    }
    let is_binary =
        |byte: &u8| *byte < b' ' && !matches!(byte, b'\t' | b'\n' | b'\r' | 0x0B | 0x0C);
    let binary = head.iter().filter(|byte| is_binary(byte)).count();
    if head.contains(&0) || binary * 20 > head.len().max(HEAD / 8) {
        return Err(ServiceError::NotText);
    }
    Ok(())
}

/// Returns what the user calls the file, for showing alone: without a path and control characters.
fn plain_filename(name: Option<&str>) -> String {
    let name = name.unwrap_or_default();
    let name = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let plain: String = name
        .chars()
        .filter(|character| !character.is_control())
        .take(MAX_FILENAME)
        .collect();
    let plain = plain.trim();
    if plain.is_empty() {
        "products.csv".to_owned()
    } else {
        plain.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filename_is_for_showing_alone() {
        for (name, shown) in [
            (Some("spring list.csv"), "spring list.csv"),
            (Some("../../etc/passwd"), "passwd"),
            (Some("C:\\lists\\prices.csv"), "prices.csv"),
            (Some("a\r\nb\0.csv"), "ab.csv"),
            (Some("/"), "products.csv"),
            (None, "products.csv"),
        ] {
            assert_eq!(plain_filename(name), shown);
        }
        assert_eq!(
            plain_filename(Some(&"ü".repeat(400))).chars().count(),
            MAX_FILENAME
        );
    }

    #[test]
    fn what_is_no_text_is_told_by_its_beginning() {
        assert!(check_text("sku,näme\r\n\t1,2\n".as_bytes()).is_ok());
        assert!(check_text(b"sku,n\xe4me\n").is_ok());
        assert!(matches!(
            check_text(b"PK\x03\x04\x14"),
            Err(ServiceError::Workbook)
        ));
        assert!(matches!(
            check_text(b"\xff\xfes\0k\0u\0"),
            Err(ServiceError::Utf16)
        ));
        assert!(matches!(check_text(b"sku\0"), Err(ServiceError::NotText)));
        assert!(matches!(check_text(&[1; 2000]), Err(ServiceError::NotText)));
    }
}
