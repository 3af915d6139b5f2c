import Glibc
import Linux
import Plugins
import Sandbox

/// A plugin's directory: what its manifest says, read without following anything out of it.
struct PluginPackage {
    let path: String
    /// The name of the manifest's file.
    let file: String
    let manifest: PluginManifest

    private static let manifestLimit = 256 << 10
    private static let inside: Resolve = [.beneath, .noMagicLinks]

    /// Why a directory holds no plugin that could be started.
    enum Problem: Error {
        case noDirectory(String)
        /// A sentence about the manifest: file, place, expected.
        case manifest(String)
    }

    static func open(_ given: String) throws(Problem) -> PluginPackage {
        let result: Result<PluginPackage, Problem>
        do throws(SystemError) {
            let directory = try FileDescriptor.open(given, O_RDONLY | O_DIRECTORY)
            // `corral run` takes no path with links in it.
            result = read(directory, path: FilePath.resolved(given), given: given)
        } catch {
            throw .noDirectory("\(shown(given)): \(error.errno); expected a plugin's directory")
        }
        return try result.get()
    }

    private static func read(
        _ directory: borrowing FileDescriptor, path: String, given: String
    ) -> Result<PluginPackage, Problem> {
        for name in PluginManifest.fileNames {
            switch contents(of: name, in: directory) {
            case .failure(let error) where error.errno == .noSuchFileOrDirectory: continue
            case .failure(let error):
                return .failure(
                    .manifest("\(name): \(error.errno); expected a file of at most \(manifestLimit) bytes"))
            case .success(let bytes):
                do throws(ConfigError) {
                    let manifest = try decode(bytes, name, directory)
                    return .success(PluginPackage(path: path, file: name, manifest: manifest))
                } catch {
                    return .failure(.manifest(error.description))
                }
            }
        }
        let names = PluginManifest.fileNames.joined(separator: ", ")
        return .failure(.manifest("\(shown(given)): has no manifest; expected one of \(names)"))
    }

    private static func decode(
        _ bytes: [UInt8], _ name: String, _ directory: borrowing FileDescriptor
    ) throws(ConfigError) -> PluginManifest {
        // Asked before, because a closure cannot borrow the directory.
        let own = ".venv/bin/python3"
        let hasOwn = directory.has(own)
        var manifest = try PluginManifest.decode(bytes, file: name) { $0 == own && hasOwn }
        if let error = manifest.directoryError, !directory.hasDirectory(manifest.directory, inside) {
            throw error
        }
        for other in PluginManifest.fileNames where other != name && directory.has(other) {
            manifest.warnings.append("\(other): is not read beside \(name)")
        }
        return manifest
    }

    private static func contents(
        of name: String, in directory: borrowing FileDescriptor
    ) -> Result<[UInt8], SystemError> {
        do throws(SystemError) {
            // A named pipe in its place must not hold us up.
            let flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY
            let file = try directory.open(name, flags, resolve: inside)
            var status = stat()
            let number = file.number
            _ = try call("fstat", on: name) { unsafe fstat(number, &status) }
            guard status.st_mode & S_IFMT == S_IFREG else {
                throw SystemError("read", name, .invalidArgument)
            }
            return .success(try file.readAll(limit: manifestLimit))
        } catch {
            return .failure(error)
        }
    }
}

extension FileDescriptor {
    fileprivate borrowing func has(_ name: String) -> Bool {
        unsafe faccessat(number, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0
    }

    fileprivate borrowing func hasDirectory(_ name: String, _ resolve: Resolve) -> Bool {
        if name.isEmpty { return true }
        let directory = try? open(name, O_RDONLY | O_DIRECTORY | O_CLOEXEC, resolve: resolve)
        return directory.numberOrNone >= 0
    }
}
