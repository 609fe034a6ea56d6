using System.Security.Cryptography;
using TorchSharp;

namespace MemLoad.Torch.Tests;

/// <summary>libtorch in this process: tests are skipped, with the reason, where it does not load.</summary>
internal static class LibTorchHere
{
    // Part of the tests' names, so that a run without libtorch says why it skipped them.
    public const string Needed = "(needs libtorch: from the packages of -p:Torch=cpu, or a folder that MEMLOAD_LIBTORCH names)";

    /// <summary>Tests that count what libtorch holds run one after the other.</summary>
    public const string Collection = "libtorch";

    public static void Require() => Skip.If(LibTorch.WhyNot is not null, LibTorch.WhyNot);

    /// <summary>The elements of a tensor as libtorch sees them, row-major.</summary>
    public static unsafe byte[] BytesOf(torch.Tensor tensor)
    {
        using DisposeScope scope = torch.NewDisposeScope();
        torch.Tensor plain = tensor.detach().cpu();
        plain = plain.is_complex() ? plain.resolve_conj().contiguous() : plain.contiguous();
        return plain.numel() == 0 ? [] : new ReadOnlySpan<byte>((void*)TensorMemory.AddressOf(plain), checked((int)(plain.numel() * plain.element_size()))).ToArray();
    }

    public static string HashOf(torch.Tensor tensor) => Convert.ToHexStringLower(SHA256.HashData(BytesOf(tensor)));
}

[CollectionDefinition(LibTorchHere.Collection, DisableParallelization = true)]
#pragma warning disable CA1711 // xunit's word for it.
public sealed class LibTorchCollection;
#pragma warning restore CA1711
