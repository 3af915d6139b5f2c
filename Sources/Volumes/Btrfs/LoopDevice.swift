import CLinux
import Glibc
import Linux

/// A block device whose blocks are a file's (loop(4)). It is free again when the last one who uses it, a mounted
/// file system among them, has gone, however this process ends.
struct LoopDevice: ~Copyable {
    let device: FileDescriptor
    /// Such as `/dev/loop0`.
    let path: String

    /// How often somebody else may take the device that the kernel has just named.
    private static let attempts = 32

    /// The device of `file`: the one that it has, or a free one. A file must never have two, because a file system
    /// on it would be mounted twice, each with its own idea of what is free.
    /// - Parameters:
    ///   - file: open for reading and writing.
    ///   - control: what gives out devices.
    /// - Throws: ``VolumeError/noLoopDevice(_:)`` where there is none to be had.
    static func attach(
        _ file: borrowing FileDescriptor, control path: String
    ) throws(VolumeError) -> LoopDevice {
        if let found = try existing(of: file) { return found }
        let control: FileDescriptor
        do throws(SystemError) {
            control = try FileDescriptor.open(path, O_RDWR)
        } catch {
            throw .noLoopDevice("\(error)")
        }
        for _ in 0..<attempts {
            let (controlNumber, backing) = (control.number, file.number)
            do throws(SystemError) {
                let number = try call("LOOP_CTL_GET_FREE") { clinux_loop_free(controlNumber) }
                let path = "/dev/loop\(number)"
                let device = try FileDescriptor.open(path, O_RDWR)
                let deviceNumber = device.number
                // Not every file system reads and writes past the cache in the blocks that the device has.
                do throws(SystemError) {
                    _ = try call("LOOP_CONFIGURE", on: path) {
                        clinux_loop_configure(deviceNumber, backing, 1)
                    }
                } catch  where error.errno == .invalidArgument {
                    _ = try call("LOOP_CONFIGURE", on: path) {
                        clinux_loop_configure(deviceNumber, backing, 0)
                    }
                }
                return LoopDevice(device: device, path: path)
            } catch {
                // EBUSY: somebody took it in between. ENXIO, ENOENT: it went, or is not there yet.
                if error.errno == .busy { continue }
                throw .noLoopDevice("\(error)")
            }
        }
        throw .noLoopDevice(
            "each of \(attempts) devices was taken by somebody else in the moment that it was free")
    }

    private static func existing(of file: borrowing FileDescriptor) throws(VolumeError) -> LoopDevice? {
        var status = clinux_stat()
        let backing = file.number
        let all = try doing("to look for loop devices") { () throws(SystemError) in
            _ = try call("fstat") { unsafe clinux_fstat(backing, &status) }
            return try FileDescriptor.open("/sys/block", O_RDONLY | O_DIRECTORY).entries(startingWith: "loop")
        }
        for entry in all {
            let path = "/dev/\(entry.name)"
            // One that went in between is none of ours; nor can one be that has no file.
            guard unsafe access("/sys/block/\(entry.name)/loop", F_OK) == 0,
                let device = try? FileDescriptor.open(path, O_RDWR)
            else { continue }
            if clinux_loop_is_of(device.number, status.device, status.inode) == 1 {
                return LoopDevice(device: device, path: path)
            }
        }
        return nil
    }

    /// Whether it reads and writes past the cache of the file system below.
    borrowing func isDirect() -> Bool { clinux_loop_is_direct(device.number) == 1 }

    /// Has it see that its file is longer now.
    borrowing func lookAgain() throws(SystemError) {
        let number = device.number
        _ = try call("LOOP_SET_CAPACITY", on: path) { clinux_loop_look_again(number) }
    }
}
