// Carrying out the plan.

import CLinux

/// What every process of the sandbox is started with.
@safe
struct ProcessRules {
    var uid: UInt32 = 0
    var gid: UInt32 = 0
    var dropsGroups = false
    /// Left-out layers; zero but in tests.
    var without: UInt32 = 0
    /// The landlock ruleset, or -1.
    var landlock: Int32 = -1
    var limits: [clinux_rlimit] = []
    /// The seccomp filter, inside the plan's memory.
    var filter: UnsafeRawBufferPointer = unsafe UnsafeRawBufferPointer(start: nil, count: 0)
    /// The sandbox's own /dev/null, for processes that read nothing. The host's would be a file from
    /// outside, which landlock lets nobody open again by /dev/stdin.
    var null: Int32 = -1
    /// Listening sockets to hand out, in the plan's order.
    var listeners: [Int32] = []
    /// The master of the sandbox's first terminal, or -1: where there is none, or a process has it.
    var terminal: Int32 = -1
    /// The devpts in which terminals are made for processes, or -1.
    var terminals: Int32 = -1
    /// Kept open for the launcher, or -1: it takes it by its number (pidfd_getfd(2)), at any time.
    var copy: Int32 = -1
}

/// Executes the plan's steps in order; stops at the first that fails.
struct Setup {
    private var rules = ProcessRules()
    private var root: Int32 = -1
    /// The root's /dev/null, from the first file that is masked to the pivot; or -1.
    private var device: Int32 = -1
    private var landlockABI: Int32 = 0
    /// What came with the plan; -1 once it is used.
    private var handedOver: [Int32] = []

    /// - Returns: nil after a failure, which the status pipe then tells.
    static func run(_ go: Received) -> ProcessRules? {
        var size = 0
        var setup = Setup()
        guard go.count > 0, let base = unsafe clinux_map(go.descriptors[0], PlanFormat.planLimit, &size)
        else {
            Status.report(StatusRecord(.badPlan, operation: 0, index: 0, error: clinux_errno()))
            return nil
        }
        // The mapping stays, since the filter lies in it.
        _ = clinux_close(go.descriptors[0])
        for index in 1..<max(1, go.count) { setup.handedOver.append(go.descriptors[index]) }
        var position = StatusRecord(.begun, operation: 0, index: 0)
        do throws(PlanError) {
            var reader = unsafe try PlanReader(UnsafeRawBufferPointer(start: base, count: size))
            for index in 0..<(try reader.header()) {
                var (operation, fields) = try reader.step()
                position = StatusRecord(.begun, operation: UInt16(operation.rawValue), index: index)
                Status.report(position)
                try setup.perform(operation, &fields)
            }
        } catch {
            position.kind = .badPlan
            if case .system(let number) = error {
                position.kind = .failed
                position.error = number
            }
            Status.report(position)
            return nil
        }
        setup.rules.null = clinux_open_null()
        return setup.rules
    }

    private mutating func perform(_ operation: PlanOperation, _ fields: inout PlanReader) throws(PlanError) {
        if root >= 0, try RootBuilder(root: root).perform(operation, &fields) { return }
        switch operation {
        case .adoptRoot: try adoptRoot(&fields)
        case .makeRoot: try makeRoot(&fields)
        case .bindDescriptor:
            let path = unsafe try fields.text()
            let mount = try takeHandedOver(&fields)
            unsafe try RootBuilder(root: root).attach(mount, at: path)
            _ = clinux_close(mount)
        case .bindWorkingDirectory: try bindWorkingDirectory(&fields)
        case .bindSource: try bindSource(&fields)
        case .proc: try proc(&fields)
        case .mask: try mask(&fields)
        case .pivot: try pivot()
        case .hostname: try check(unsafe clinux_sethostname(fields.text()))
        case .loopback: try check(clinux_loopback_up())
        case .listen: try listen(&fields)
        case .terminal: try terminal(&fields)
        case .keepCopy: try keepCopy(&fields)
        // Its parent is in another namespace, and so has no number here. One that ended before this has
        // closed the control socket, which is seen next: nobody has frozen anything yet.
        case .endWithLauncher: try check(clinux_end_with_parent(0, CLINUX_SIGKILL))
        case .cgroupNamespace: try check(clinux_unshare(UInt64(CLINUX_NEWCGROUP)))
        case .landlock, .landlockPath, .landlockPort: try landlock(operation, &fields)
        case .rlimit, .filter, .without, .identity: try rule(operation, &fields)
        case .capabilities: try keepCapabilities(try fields.integer())
        case .directory, .symlink, .file, .bindPath, .device, .tmpfs, .attributes, .bindTree:
            throw .unknownOperation  // there is no root yet
        }
    }

    // MARK: The root

    /// Where the new root is mounted until it becomes the root: any directory that every host has,
    /// and that nothing here looks into.
    private static let place = "/proc"

    private mutating func takeHandedOver(_ fields: inout PlanReader) throws(PlanError) -> Int32 {
        let index = try fields.integer()
        guard index < UInt64(handedOver.count), handedOver[Int(index)] >= 0 else { throw .truncated }
        let descriptor = handedOver[Int(index)]
        handedOver[Int(index)] = -1
        return descriptor
    }

    private mutating func adoptRoot(_ fields: inout PlanReader) throws(PlanError) {
        root = try takeHandedOver(&fields)
        try check(unsafe clinux_move_mount_path(root, Setup.place))
    }

    private mutating func makeRoot(_ fields: inout PlanReader) throws(PlanError) {
        let size = unsafe try fields.text()
        let context = try check(unsafe clinux_fsopen("tmpfs"))
        try check(unsafe clinux_fsconfig_string(context, "size", size))
        try check(unsafe clinux_fsconfig_string(context, "mode", "0755"))
        try check(clinux_fsconfig_create(context))
        root = try check(clinux_fsmount(context, 0))
        _ = clinux_close(context)
        try check(unsafe clinux_move_mount_path(root, Setup.place))
    }

    // The directory cannot come as a descriptor here: that would refer to the launcher's mount
    // namespace, and only mounts of one's own can be cloned. The working directory was moved
    // into this namespace by the clone (clone(2), CLONE_NEWNS), and still is the very directory.
    private func bindWorkingDirectory(_ fields: inout PlanReader) throws(PlanError) {
        let path = unsafe try fields.text()
        let attributes = try fields.integer()
        let mount = try check(unsafe clinux_open_tree(CLINUX_AT_FDCWD, ".", 1))
        try check(clinux_mount_setattr(mount, 1, attributes, 0, UInt64(CLINUX_PROPAGATION_PRIVATE), -1))
        unsafe try RootBuilder(root: root).attach(mount, at: path)
        _ = clinux_close(mount)
    }

    // Cannot come as a descriptor either. The path is the kernel's own of what the launcher checked,
    // and whatever came in its place since has another number.
    private func bindSource(_ fields: inout PlanReader) throws(PlanError) {
        let path = unsafe try fields.text()
        let name = unsafe try fields.text()
        let (device, inode) = (try fields.integer(), try fields.integer())
        let directory = try fields.integer() != 0 ? Int32(1) : 0
        let source = try check(unsafe clinux_open_source(name, device, inode, directory))
        defer { _ = clinux_close(source) }
        // Without what is mounted below, which the kernel refuses to leave out here (EINVAL).
        let mount = try check(clinux_open_tree_at(source, 0))
        defer { _ = clinux_close(mount) }
        let attributes = try fields.integer()
        try check(clinux_mount_setattr(mount, 0, attributes, 0, UInt64(CLINUX_PROPAGATION_PRIVATE), -1))
        unsafe try RootBuilder(root: root).attach(mount, at: path)
    }

    private func proc(_ fields: inout PlanReader) throws(PlanError) {
        let path = unsafe try fields.text()
        let attributes = UInt32(truncatingIfNeeded: try fields.integer())
        let closes = try fields.integer() != 0
        let context = try check(unsafe clinux_fsopen("proc"))
        try check(clinux_fsconfig_create(context))
        // Read-only comes last: the limit is written through this mount. One that asks for it at once is so
        // for good where any other proc is, as one in a chroot may be (mnt_already_visible in Linux).
        let readOnly = UInt32(CLINUX_MOUNT_RDONLY)
        let mount = try check(clinux_fsmount(context, attributes & ~readOnly))
        _ = clinux_close(context)
        if closes { try check(clinux_close_user_namespaces(mount)) }
        if attributes & readOnly != 0 {
            try check(clinux_mount_setattr(mount, 0, UInt64(readOnly), 0, 0, -1))
        }
        unsafe try RootBuilder(root: root).attach(mount, at: path)
        _ = clinux_close(mount)
    }

    private mutating func mask(_ fields: inout PlanReader) throws(PlanError) {
        let path = unsafe try fields.text()
        let target = unsafe clinux_tree_open(root, path)
        if target < 0 {
            if PlanError.last == .system(CLINUX_ENOENT) { return }
            throw .last
        }
        defer { _ = clinux_close(target) }
        let mount = clinux_is_directory(target) == 1 ? try emptyDirectory() : try nullDevice()
        try check(clinux_move_mount(mount, target))
        _ = clinux_close(mount)
    }

    private func emptyDirectory() throws(PlanError) -> Int32 {
        let context = try check(unsafe clinux_fsopen("tmpfs"))
        defer { _ = clinux_close(context) }
        try check(unsafe clinux_fsconfig_string(context, "size", "4k"))
        try check(unsafe clinux_fsconfig_string(context, "mode", "0555"))
        try check(clinux_fsconfig_create(context))
        let attributes = CLINUX_MOUNT_RDONLY | CLINUX_MOUNT_NOSUID | CLINUX_MOUNT_NODEV | CLINUX_MOUNT_NOEXEC
        return try check(clinux_fsmount(context, UInt32(attributes)))
    }

    /// One more mount of it. It is looked up and checked once, and held from then on.
    private mutating func nullDevice() throws(PlanError) -> Int32 {
        if device < 0 {
            let found = try check(unsafe clinux_tree_open(root, "/dev/null"))
            device = found
            try check(clinux_check_device(found, 1, 3))
        }
        return try check(clinux_open_tree_at(device, 0))
    }

    private mutating func pivot() throws(PlanError) {
        if device >= 0 { _ = clinux_close(device) }
        device = -1
        try check(clinux_fchdir(root))
        try check(clinux_pivot_to_working_directory())
        _ = clinux_close(root)
        root = -1
    }

    private mutating func listen(_ fields: inout PlanReader) throws(PlanError) {
        let path = unsafe try fields.text()
        let mode = UInt32(truncatingIfNeeded: try fields.integer())
        let backlog = Int32(truncatingIfNeeded: try fields.integer())
        rules.listeners.append(try check(unsafe clinux_listen_at(path, mode, backlog)))
    }

    private mutating func terminal(_ fields: inout PlanReader) throws(PlanError) {
        let path = unsafe try fields.text()
        let attributes = UInt32(truncatingIfNeeded: try fields.integer())
        let mount = try check(unsafe clinux_devpts(attributes, fields.text(), rules.uid, rules.gid))
        unsafe try RootBuilder(root: root).attach(mount, at: path)
        guard try fields.integer() != 0 else {
            rules.terminals = mount
            return
        }
        rules.terminal = try check(clinux_terminal(mount))
        _ = clinux_close(mount)
    }

    /// No name leads to the copy, and only what is detached can be given other owners for the launcher's side
    /// (mount_setattr(2), "ID-mapped mounts").
    private mutating func keepCopy(_ fields: inout PlanReader) throws(PlanError) {
        let place = try check(unsafe clinux_tree_open(root, fields.text()))
        defer { _ = clinux_close(place) }
        rules.copy = try check(clinux_open_tree_at(place, 0))
        let attributes = try fields.integer()
        try check(
            clinux_mount_setattr(rules.copy, 0, attributes, 0, UInt64(CLINUX_PROPAGATION_PRIVATE), -1))
    }

    // MARK: Rules for processes

    private mutating func landlock(
        _ operation: PlanOperation, _ fields: inout PlanReader
    ) throws(PlanError) {
        switch operation {
        case .landlock:
            let (files, network, scopes) = (try fields.integer(), try fields.integer(), try fields.integer())
            landlockABI = Int32(truncatingIfNeeded: try fields.integer())
            rules.landlock = try check(clinux_landlock_create(files, network, scopes, landlockABI))
        case .landlockPath:
            // After the pivot, so that paths are the sandbox's own. Not through a link, which somebody could
            // put into a directory of the host's in the place of one that is mounted on.
            let path = try check(
                unsafe clinux_openat2(
                    CLINUX_AT_FDCWD, fields.text(), UInt64(CLINUX_O_PATH), 0,
                    UInt64(CLINUX_RESOLVE_NO_SYMLINKS)))
            defer { _ = clinux_close(path) }
            try check(clinux_landlock_allow_path(rules.landlock, path, fields.integer()))
        default:
            let (port, access) = (try fields.integer(), try fields.integer())
            try check(clinux_landlock_allow_port(rules.landlock, port, access))
        }
    }

    private mutating func rule(_ operation: PlanOperation, _ fields: inout PlanReader) throws(PlanError) {
        switch operation {
        case .rlimit:
            let resource = Int32(truncatingIfNeeded: try fields.integer())
            rules.limits.append(
                clinux_rlimit(resource: resource, soft: try fields.integer(), hard: try fields.integer()))
        case .filter: unsafe rules.filter = try fields.blob()
        case .without: rules.without = UInt32(truncatingIfNeeded: try fields.integer())
        default: try takeIdentity(&fields)
        }
    }

    private mutating func takeIdentity(_ fields: inout PlanReader) throws(PlanError) {
        let (uid, gid) = (
            UInt32(truncatingIfNeeded: try fields.integer()), UInt32(truncatingIfNeeded: try fields.integer())
        )
        rules.uid = UInt32(truncatingIfNeeded: try fields.integer())
        rules.gid = UInt32(truncatingIfNeeded: try fields.integer())
        rules.dropsGroups = try fields.integer() != 0
        if rules.dropsGroups { try check(clinux_setgroups_none()) }
        try check(clinux_setresgid(gid))
        try check(clinux_setresuid(uid))
        // Reset by the change of uid.
        try check(clinux_set_dumpable(0))
    }

    private func keepCapabilities(_ mask: UInt64) throws(PlanError) {
        try check(clinux_clear_ambient())
        // Once, and not anew for each process: forty changes of credentials.
        if rules.without & UInt32(CLINUX_WITHOUT_CAPABILITIES) == 0 { try check(clinux_drop_bounding()) }
        try check(clinux_capset(mask, 0))
        if rules.without & UInt32(CLINUX_WITHOUT_KEYRING) == 0 { try check(clinux_new_keyring()) }
    }
}
