// A request to start a process: the working directory, the paths to try, argv and the environment.
//
//     directory text · counts of candidates, arguments, variables · the texts in that order

import CLinux

/// The descriptors of one process; -1 for those that it does not have.
struct Given {
    var standard: [3 of Int32] = [-1, -1, -1]
    var terminal: Int32 = -1
    var script: Int32 = -1
}

enum Request {
    private typealias Texts = UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>

    /// - Parameter file: the request's memory file.
    /// - Returns: the pid, or -1 with `failure` filled.
    static func start(
        _ file: Int32, _ given: Given, _ rules: ProcessRules, _ pidfd: inout Int32,
        _ failure: inout clinux_failure
    ) -> Int32 {
        var size = 0
        guard let base = unsafe clinux_map(file, PlanFormat.requestLimit, &size) else { return -1 }
        defer { unsafe clinux_unmap(base, size) }
        do throws(PlanError) {
            var reader = unsafe try PlanReader(UnsafeRawBufferPointer(start: base, count: size))
            let directory = unsafe try reader.text()
            let (candidates, arguments, variables) = (
                try reader.integer(), try reader.integer(), try reader.integer()
            )
            let paths = unsafe try texts(candidates, &reader, size)
            defer { unsafe paths.deallocate() }
            let argv = unsafe try texts(arguments, &reader, size)
            defer { unsafe argv.deallocate() }
            let envp = unsafe try texts(variables, &reader, size)
            defer { unsafe envp.deallocate() }
            return unsafe start(directory, paths, argv, envp, given, rules, &pidfd, &failure)
        } catch {
            return -1
        }
    }

    /// A NULL-terminated array of texts that lie in the request.
    private static func texts(
        _ count: UInt64, _ reader: inout PlanReader, _ size: Int
    ) throws(PlanError) -> Texts {
        // Each text takes 16 bytes or more, so a greater count is a lie; checked before allocating.
        guard count <= UInt64(size / 16) else { throw .truncated }
        let array = Texts.allocate(capacity: Int(count) + 1)
        for index in 0..<Int(count) {
            guard let text = try? unsafe reader.text() else {
                unsafe array.deallocate()
                throw .truncated
            }
            unsafe array[index] = UnsafeMutablePointer(mutating: text)
        }
        unsafe array[Int(count)] = nil
        return unsafe array
    }

    private static func start(
        _ directory: UnsafePointer<CChar>, _ paths: Texts, _ argv: Texts, _ envp: Texts,
        _ given: Given, _ rules: ProcessRules, _ pidfd: inout Int32, _ failure: inout clinux_failure
    ) -> Int32 {
        unsafe rules.limits.withUnsafeBufferPointer { limits in
            var process = unsafe clinux_process()
            unsafe process.candidates = UnsafePointer(
                UnsafeMutableRawPointer(paths).assumingMemoryBound(to: UnsafePointer<CChar>?.self))
            unsafe process.argv = UnsafePointer(argv)
            unsafe process.envp = UnsafePointer(envp)
            unsafe process.directory = directory
            unsafe process.fds = (given.standard[0], given.standard[1], given.standard[2])
            unsafe process.terminal = given.terminal
            unsafe process.script = given.script
            unsafe process.uid = rules.uid
            unsafe process.gid = rules.gid
            unsafe process.drop_groups = rules.dropsGroups ? 1 : 0
            unsafe process.limits = limits.baseAddress
            unsafe process.limit_count = limits.count
            unsafe process.landlock = rules.landlock
            unsafe process.filter = rules.filter.baseAddress
            unsafe process.filter_count = UInt16(truncatingIfNeeded: rules.filter.count / 8)
            unsafe process.without = rules.without
            return unsafe clinux_start_process(&process, &pidfd, &failure)
        }
    }
}
