/// The most that one sandbox may use.
package struct Limits: Hashable, Sendable {
    /// Memory, page cache and tmpfs included, in bytes.
    package var memory: UInt64
    /// Swap beside `memory`, in bytes.
    package var swap: UInt64
    /// Processes and threads together.
    package var pids: UInt32
    /// Cpu, in thousandths of one processor.
    package var milliCPUs: UInt32
    /// Cpu time of everything together, in milliseconds; nil for any.
    package var cpuTime: UInt64?
    /// Whether reaching `pids` ends the sandbox; else the fork fails.
    package var pidsKill: Bool
    /// Open descriptors per process (RLIMIT_NOFILE).
    package var openFiles: UInt32
    /// The largest file, in bytes (RLIMIT_FSIZE).
    package var fileSize: UInt64
    /// Stack of the first thread, in bytes (RLIMIT_STACK).
    package var stack: UInt64
    /// Bytes of an ephemeral workspace.
    package var workspaceBytes: UInt64
    /// Files and directories of an ephemeral workspace.
    package var workspaceFiles: UInt32

    package init(
        memory: UInt64, swap: UInt64, pids: UInt32, milliCPUs: UInt32, openFiles: UInt32, fileSize: UInt64,
        stack: UInt64, workspaceBytes: UInt64, workspaceFiles: UInt32, cpuTime: UInt64? = nil,
        pidsKill: Bool = false
    ) {
        self.memory = memory
        self.swap = swap
        self.pids = pids
        self.milliCPUs = milliCPUs
        self.openFiles = openFiles
        self.fileSize = fileSize
        self.stack = stack
        self.workspaceBytes = workspaceBytes
        self.workspaceFiles = workspaceFiles
        self.cpuTime = cpuTime
        self.pidsKill = pidsKill
    }
}
