using System.Collections.Immutable;
using System.Runtime.CompilerServices;

namespace MemLoad.Torch;

/// <summary>Creates tensors on existing memory without a copy. The factories of TorchSharp do not support this.</summary>
internal static unsafe partial class TensorMemory
{
    private const int Host = (int)DeviceType.CPU;

    // The memory of tensors by address, with the number of tensors that hold it. The address is reported by libtorch when the last view of
    // a tensor is freed.
    private static readonly Dictionary<nint, (MemoryBuffer Memory, int Tensors)> Held = [];
    private static readonly Lock Holding = new();

    private static delegate* unmanaged<nint, int, nint*, int> _viewAs;

    /// <summary>Finds the functions that are called by address.</summary>
    public static bool FindFunctions(nint library)
    {
        // Part of the stable C interface of libtorch for compiled models.
        bool found = NativeLibrary.TryGetExport(library, "aoti_torch_view_dtype", out nint address);
        _viewAs = (delegate* unmanaged<nint, int, nint*, int>)address;
        return found;
    }

    /// <summary>The number of tensors that hold memory, for tests.</summary>
    public static int HeldCount
    {
        get
        {
            lock (Holding)
            {
                return Held.Values.Sum(held => held.Tensors);
            }
        }
    }

    /// <summary>Creates a tensor of bytes on host memory. It holds the memory while the tensor or a view of it exists.</summary>
    public static torch.Tensor Over(MemoryBuffer memory, long offset, long bytes)
    {
        if (bytes == 0)
        {
            return torch.empty(0, torch.ScalarType.Byte).DetachFromDisposeScope();
        }
        nint address = memory.Address + (nint)offset;
        memory.AddReference();
        lock (Holding)
        {
            ref (MemoryBuffer Memory, int Tensors) held = ref CollectionsMarshal.GetValueRefOrAddDefault(Held, address, out _);
            held = (memory, held.Tensors + 1);
        }
        nint handle = FromMemory(address, &Release, &bytes, 1, (sbyte)torch.ScalarType.Byte, (sbyte)torch.ScalarType.Byte, Host, -1, 0);
        if (handle == 0)
        {
            ReleaseAt(address);
        }
        return Own(handle);
    }

    /// <summary>Returns a view of a tensor of bytes with another element type, as <c>view(dtype)</c> in PyTorch.</summary>
    public static torch.Tensor ViewAs(torch.Tensor bytes, torch.ScalarType type)
    {
        nint view = 0;
        return Own(_viewAs(bytes.Handle, (int)type, &view) == 0 ? view : 0);
    }

    public static torch.Tensor Strided(torch.Tensor storage, ImmutableArray<long> shape, ImmutableArray<long> strides, long offset) =>
        storage.as_strided([.. shape], [.. strides], offset).DetachFromDisposeScope();

    /// <summary>Returns the address of the first element of a tensor, on any device.</summary>
    public static nint AddressOf(torch.Tensor tensor) => DataOf(tensor.Handle);

    private static torch.Tensor Own(nint handle)
    {
        if (handle == 0)
        {
            throw TorchErrors.From(LastError());
        }
        // The caller can have an open dispose scope. The new tensor must not belong to it.
        return torch.Tensor.UnsafeCreateTensor(handle).DetachFromDisposeScope();
    }

    private static string LastError() => Marshal.PtrToStringUTF8(GetAndResetLastError()) ?? "libtorch gave no reason";

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void Release(void* address) => ReleaseAt((nint)address);

    private static void ReleaseAt(nint address)
    {
        MemoryBuffer memory;
        lock (Holding)
        {
            if (!Held.Remove(address, out (MemoryBuffer Memory, int Tensors) held))
            {
                return;
            }
            memory = held.Memory;
            if (held.Tensors > 1)
            {
                Held.Add(address, (memory, held.Tensors - 1));
            }
        }
        memory.Release();
    }

    [LibraryImport("LibTorchSharp", EntryPoint = "THSTensor_new")]
    private static partial nint FromMemory(nint data, delegate* unmanaged[Cdecl]<void*, void> deleter, long* sizes, int dimensions,
        sbyte type, sbyte targetType, int deviceType, int deviceIndex, byte requiresGrad);

    [LibraryImport("LibTorchSharp", EntryPoint = "THSTensor_data")]
    private static partial nint DataOf(nint tensor);

    [LibraryImport("LibTorchSharp", EntryPoint = "THSTorch_get_and_reset_last_err")]
    private static partial nint GetAndResetLastError();
}
