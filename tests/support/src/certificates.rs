//! Certificates of a test CA.

use rcgen::{BasicConstraints, Certificate, CertificateParams, IsCa, Issuer, KeyPair};

/// A CA certificate, and a server certificate with its key.
pub struct Issued {
    pub authority: Certificate,
    pub certificate: Certificate,
    pub key: KeyPair,
}

pub fn issue(names: &[&str]) -> Issued {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority_key = KeyPair::generate().unwrap();
    let authority = params.self_signed(&authority_key).unwrap();
    let key = KeyPair::generate().unwrap();
    let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
    let certificate = CertificateParams::new(names)
        .unwrap()
        .signed_by(&key, &Issuer::new(params, authority_key))
        .unwrap();
    Issued {
        authority,
        certificate,
        key,
    }
}
