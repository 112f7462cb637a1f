//! Directories with access for this user only.

use std::{io, path::Path};

use tokio::fs;

/// Creates a directory, or makes an existing own one private.
pub(crate) async fn make_private_directory(directory: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    builder.mode(0o700);
    builder.create(directory).await?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let private = std::fs::Permissions::from_mode(0o700);
        if let Err(error) = fs::set_permissions(directory, private).await {
            tracing::warn!(%error, directory = %directory.display(), "cannot make a directory private");
        }
    }
    Ok(())
}
