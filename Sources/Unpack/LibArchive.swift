import CArchive

/// One reader of libarchive, freed with this value.
@safe struct LibArchive: ~Copyable {
    let handle: OpaquePointer

    /// Such as `libarchive 3.6.2`. Not its details, which would link every format's library.
    static var version: String {
        guard let text = unsafe archive_version_string() else { return "libarchive" }
        return unsafe String(cString: text)
    }

    init() throws(UnpackError) {
        guard let handle = unsafe archive_read_new() else { throw .damaged("libarchive has no memory") }
        unsafe self.handle = handle
    }

    deinit { unsafe archive_read_free(handle) }

    /// What went wrong last, on one line of ASCII.
    var problem: String {
        guard let text = unsafe archive_error_string(handle) else { return "an unknown problem" }
        return printable(unsafe String(cString: text))
    }

    private func printable(_ text: String) -> String {
        String(text.unicodeScalars.prefix(200).map { (" "..."~").contains($0) ? Character($0) : "?" })
    }
}
