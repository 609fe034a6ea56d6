using System.Reflection;
using System.Security.Cryptography;
using TorchSharp;

namespace MemLoad.Torch.Tests;

/// <summary>The need for libtorch in this process.</summary>
internal sealed class LibTorchHere : Need
{
    /// <summary>Tests that count what libtorch holds run one after the other.</summary>
    public const string Collection = "libtorch";

    public override string Name => "libtorch";

    public override string? WhyNot => LibTorch.WhyNot;

    /// <summary>Whether the build (-p:Torch=cpu) or MEMLOAD_LIBTORCH names it.</summary>
    public override bool IsAskedFor =>
        Environment.GetEnvironmentVariable(LibTorch.FolderVariable) is { Length: > 0 }
        || typeof(LibTorchHere)
            .Assembly.GetCustomAttributes<AssemblyMetadataAttribute>()
            .Any(value => value is { Key: "TorchAsked", Value: "true" });

    /// <summary>Returns the elements of a tensor in libtorch, row-major.</summary>
    public static unsafe byte[] BytesOf(torch.Tensor tensor)
    {
        using DisposeScope scope = torch.NewDisposeScope();
        torch.Tensor plain = tensor.detach().cpu();
        plain = plain.is_complex() ? plain.resolve_conj().contiguous() : plain.contiguous();
        return plain.numel() == 0
            ? []
            : new ReadOnlySpan<byte>((void*)TensorMemory.AddressOf(plain), checked((int)(plain.numel() * plain.element_size()))).ToArray();
    }

    public static string HashOf(torch.Tensor tensor) => Convert.ToHexStringLower(SHA256.HashData(BytesOf(tensor)));
}

[CollectionDefinition(LibTorchHere.Collection, DisableParallelization = true)]
#pragma warning disable CA1711 // xunit's word for it.
public sealed class LibTorchCollection;
#pragma warning restore CA1711
