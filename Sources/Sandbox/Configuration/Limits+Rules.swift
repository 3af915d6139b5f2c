extension Limits {
    /// How each limit is written and the values it may have, the same in profiles and as options.
    /// Whether the host has as much is found out at launch. docs/profiles.md lists these.
    package enum Rule {
        /// Below 8 MiB no interpreter starts.
        package static let memory = Quantity(.size, 8 << 20...1 << 50)
        package static let swap = Quantity(.size, 0...1 << 50)
        /// The upper end is PID_MAX_LIMIT of 64-bit kernels (proc_sys_kernel(5), pid_max).
        package static let pids = Quantity(.count, 1...4_194_304)
        /// The upper end is the largest NR_CPUS of the kernel's configurations.
        package static let cpus = Quantity(.cpus, 1...8_192_000)
        /// Up to a year.
        package static let cpuTime = Quantity(.duration, 1...8760 * 3_600_000, orNone: true)
        /// The upper end is the default of /proc/sys/fs/nr_open.
        package static let openFiles = Quantity(.count, 16...1 << 20)
        package static let fileSize = Quantity(.size, 0...1 << 50)
        /// A quarter of the stack is what arguments and environment may fill (execve(2)).
        package static let stack = Quantity(.size, 128 << 10...1 << 30)
        /// Never 0, which tmpfs(5) takes for no limit; at least the largest page of any kernel.
        package static let workspace = Quantity(.size, 64 << 10...1 << 50)
        /// Never 0, which tmpfs(5) takes for no limit.
        package static let workspaceFiles = Quantity(.count, 16...1 << 31)
    }
}

extension Lifetime {
    package enum Rule {
        /// Up to a year.
        package static let timeout = Quantity(.duration, 1...8760 * 3_600_000, orNone: true)
        /// Of a session; what `defaults` of corral.yaml take.
        package static let session = Quantity(.duration, 1000...8760 * 3_600_000, orNone: true)
    }
}

extension OutputPolicy {
    package enum Rule {
        /// Half of it may have to be held in memory.
        package static let limit = Quantity(.size, 0...1 << 30, orNone: true)
    }
}

extension RelayPolicy {
    package enum Rule {
        /// Frames are held in memory whole.
        package static let frame = Quantity(.size, 1 << 10...64 << 20)
        package static let connections = Quantity(.count, 1...1024)
        package static let rate = Quantity(.count, 1...1_000_000, orNone: true)
        package static let burst = Quantity(.count, 1...1_000_000)
        package static let bytes = Quantity(.size, 1 << 10...1 << 50, orNone: true)
        /// Each is remembered until its answer comes.
        package static let inFlight = Quantity(.count, 1...4096)
        /// Up to a day.
        package static let time = Quantity(.duration, 1...24 * 3_600_000)
    }
}
