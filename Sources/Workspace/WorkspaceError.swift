package import Linux
import Trees

/// Why something could not be done with a workspace's files.
///
/// What is said names the workspace's own path and nothing of the host's.
package struct WorkspaceError: Error, Hashable, Sendable {
    /// What a path is refused for before anything is looked at.
    package enum PathProblem: String, CaseIterable, Hashable, Sendable {
        case empty, absolute, nul, parent, tooLong, nameTooLong, notUTF8
    }

    package enum Code: Hashable, Sendable {
        case path(PathProblem)
        /// There is nothing of that name, or a name on the way is not there.
        case notFound
        /// A name on the way, or the last where a directory is needed, is something else.
        case notDirectory
        /// A directory where a file is needed.
        case isDirectory
        /// A FIFO, a socket, a device or a link where a regular file is needed.
        case notRegular
        /// It leads out of the workspace: a link upwards or to an absolute path, or a mount.
        case outside
        /// Too many symbolic links, or one that only the kernel makes.
        case links
        case exists
        case notEmpty
        /// The workspace's own directory, where something in it is needed.
        case isRoot
        /// No room: the quota's, or the device's.
        case noSpace
        /// A file larger than there can be.
        case tooLarge
        /// Permissions forbid it.
        case denied
        case readOnly
        /// Somebody else uses it so that it cannot be done now: a lease, a mount, a program that runs, or
        /// names that were changed all the while.
        case busy
        /// A directory into itself.
        case intoItself
        /// An argument is out of its bounds.
        case invalid
        /// More than a limit allows.
        case limit
        /// Anything else that the kernel says.
        case system
    }

    package let code: Code
    /// The path that it is about, in normal form where it has one.
    package let path: String
    /// What is wrong, after the path: `is a fifo; expected a regular file`.
    package let problem: String
    /// The call that failed, for a log: it may tell of the host.
    package let cause: SystemError?

    init(_ code: Code, _ path: String, _ problem: String, cause: SystemError? = nil) {
        self.code = code
        self.path = path
        self.problem = problem
        self.cause = cause
    }

    init(_ code: Code, _ path: WorkspacePath, _ problem: String, cause: SystemError? = nil) {
        self.init(code, "\(path)", problem, cause: cause)
    }
}

extension WorkspaceError: CustomStringConvertible {
    /// One sentence without a full stop, such as `"a/b": is a fifo; expected a regular file`.
    package var description: String { "\"\(printable(path))\": \(problem)" }
}

extension WorkspaceError {
    /// What a failed call means for the path that it was about.
    init(_ error: SystemError, at path: WorkspacePath) {
        let (code, problem) = Self.meaning(of: error.errno)
        self.init(code, "\(path)", problem, cause: error)
    }

    private static func meaning(of errno: Errno) -> (Code, String) {
        switch errno {
        case .noSuchFileOrDirectory: (.notFound, "is not there")
        case .notDirectory: (.notDirectory, "is not a directory, or a name on the way is none")
        case .isDirectory: (.isDirectory, "is a directory")
        // One text, whatever is out there: nobody learns from it what the host has.
        case .crossesDevice: (.outside, "leads out of the workspace")
        case .tooManyLinks:
            (.links, "leads through too many symbolic links, or through one that is not followed")
        case .fileExists: (.exists, "is there already")
        case .notEmpty: (.notEmpty, "is a directory that is not empty")
        case .noSpace: (.noSpace, "there is no room left in the workspace")
        case .quotaExceeded: (.noSpace, "the workspace's quota is used up")
        case .fileTooLarge: (.tooLarge, "would be larger than a file can be there")
        case .nameTooLong: (.path(.nameTooLong), "has a name that is longer than the file system takes")
        case .accessDenied, .notPermitted: (.denied, "its permissions, or those on the way, forbid it")
        case .readOnlyFileSystem: (.readOnly, "is on a file system that is read-only")
        case .busy: (.busy, "is in use: something is mounted there, or it changes all the time")
        case .textBusy: (.busy, "is a program that runs")
        case .wouldBlock: (.busy, "is in use: it is leased, or names on the way change all the time")
        case .tooManyFiles, .tooManyFilesInSystem, .outOfMemory:
            (.limit, "there are too many open files, or too little memory, to do that now")
        default: (.system, "\(errno)")
        }
    }
}

/// Gives a failed call the path that it failed at.
func at<Value: ~Copyable>(
    _ path: WorkspacePath, _ body: () throws(SystemError) -> Value
) throws(WorkspaceError) -> Value {
    do throws(SystemError) {
        return try body()
    } catch {
        throw WorkspaceError(error, at: path)
    }
}
