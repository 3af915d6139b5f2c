import CLinux

/// Carries out the steps that make and fill a root tree.
///
/// The launcher does it, once for many sandboxes, where it has the privilege to mount; otherwise
/// each init does it for itself, in its own user namespace. Every path is resolved below `root`.
package struct RootBuilder {
    /// The directory that becomes "/"; stays the caller's.
    private let root: Int32

    package init(root: Int32) { self.root = root }

    /// - Returns: false for a step of another kind, which is left alone.
    package func perform(
        _ operation: PlanOperation, _ fields: inout PlanReader
    ) throws(PlanError) -> Bool {
        switch operation {
        case .directory:
            try check(
                unsafe clinux_tree_directory(
                    root, fields.text(), UInt32(truncatingIfNeeded: fields.integer())))
        case .symlink:
            try check(unsafe clinux_tree_symlink(root, fields.text(), fields.text()))
        case .file:
            let path = unsafe try fields.text()
            let mode = UInt32(truncatingIfNeeded: try fields.integer())
            let content = unsafe try fields.blob()
            try check(unsafe clinux_tree_file(root, path, mode, content.baseAddress, content.count))
        case .bindPath: try bind(&fields)
        case .bindTree: try bindTree(&fields)
        case .device: try device(&fields)
        case .tmpfs: try tmpfs(&fields)
        case .attributes: try attributes(&fields)
        default: return false
        }
        return true
    }

    /// Attaches a detached mount at a path of the tree.
    package func attach(_ mount: Int32, at path: UnsafePointer<CChar>) throws(PlanError) {
        let target = try check(unsafe clinux_tree_open(root, path))
        defer { close(target) }
        try check(clinux_move_mount(mount, target))
    }

    private func bind(_ fields: inout PlanReader) throws(PlanError) {
        let path = unsafe try fields.text()
        let source = unsafe try fields.text()
        let attributes = try fields.integer()
        let recursive = try fields.integer() != 0 ? Int32(1) : 0
        let mount = try check(unsafe clinux_open_tree(CLINUX_AT_FDCWD, source, recursive))
        defer { close(mount) }
        // Private: a clone of a shared mount would be its peer, and what the host mounts below it
        // would appear in the sandbox.
        try check(
            clinux_mount_setattr(mount, recursive, attributes, 0, UInt64(CLINUX_PROPAGATION_PRIVATE), -1))
        unsafe try attach(mount, at: path)
    }

    private func bindTree(_ fields: inout PlanReader) throws(PlanError) {
        let path = unsafe try fields.text()
        let tree = unsafe try fields.text()
        let (device, inode) = (try fields.integer(), try fields.integer())
        let name = unsafe try fields.text()
        let directory = try fields.integer() != 0 ? Int32(1) : 0
        let source = try check(unsafe clinux_stored_entry(tree, device, inode, name, directory))
        defer { close(source) }
        // Without what is mounted below: of a tree, that is nothing.
        let mount = try check(clinux_open_tree_at(source, 0))
        defer { close(mount) }
        try check(
            clinux_mount_setattr(
                mount, 0, try fields.integer(), 0, UInt64(CLINUX_PROPAGATION_PRIVATE), -1))
        unsafe try attach(mount, at: path)
    }

    /// Checked before it is bound: whatever stands at /dev/null must be the null device
    /// (CVE-2025-31133 is what happens otherwise).
    private func device(_ fields: inout PlanReader) throws(PlanError) {
        let path = unsafe try fields.text()
        let name = unsafe try fields.text()
        let major = UInt32(truncatingIfNeeded: try fields.integer())
        let minor = UInt32(truncatingIfNeeded: try fields.integer())
        let source = try check(unsafe clinux_open_device(name))
        defer { close(source) }
        try check(clinux_check_device(source, major, minor))
        let mount = try check(clinux_open_tree_at(source, 0))
        defer { close(mount) }
        let attributes = UInt64(CLINUX_MOUNT_RDONLY | CLINUX_MOUNT_NOSUID | CLINUX_MOUNT_NOEXEC)
        try check(clinux_mount_setattr(mount, 0, attributes, 0, UInt64(CLINUX_PROPAGATION_PRIVATE), -1))
        unsafe try attach(mount, at: path)
    }

    private func tmpfs(_ fields: inout PlanReader) throws(PlanError) {
        let path = unsafe try fields.text()
        let attributes = UInt32(truncatingIfNeeded: try fields.integer())
        let size = unsafe try fields.text()
        let files = unsafe try fields.text()
        let mode = unsafe try fields.text()
        let owner = unsafe try fields.text()
        let context = try check(unsafe clinux_fsopen("tmpfs"))
        defer { close(context) }
        try check(unsafe clinux_fsconfig_string(context, "size", size))
        try check(unsafe clinux_fsconfig_string(context, "nr_inodes", files))
        try check(unsafe clinux_fsconfig_string(context, "mode", mode))
        try check(unsafe clinux_fsconfig_string(context, "uid", owner))
        try check(unsafe clinux_fsconfig_string(context, "gid", owner))
        try check(clinux_fsconfig_create(context))
        let mount = try check(clinux_fsmount(context, attributes))
        defer { close(mount) }
        unsafe try attach(mount, at: path)
    }

    private func attributes(_ fields: inout PlanReader) throws(PlanError) {
        let target = try check(unsafe clinux_tree_open(root, fields.text()))
        defer { close(target) }
        let attributes = try fields.integer()
        let recursive = try fields.integer() != 0 ? Int32(1) : 0
        try check(clinux_mount_setattr_patiently(target, recursive, attributes))
    }

    private func close(_ descriptor: Int32) { _ = clinux_close(descriptor) }
}

/// The value of a call that returns -1 and sets errno when it fails.
@discardableResult
package func check(_ value: Int32) throws(PlanError) -> Int32 {
    if value < 0 { throw .last }
    return value
}
