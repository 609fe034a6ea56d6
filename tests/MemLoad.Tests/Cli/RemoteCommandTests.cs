using System.Text.Json;
using MemLoad.Tests.Remote;

namespace MemLoad.Tests.Cli;

/// <summary>Commands with an address of a server in the place of a path.</summary>
public sealed class RemoteCommandTests
{
    [Fact]
    public void Plan_and_inspect_take_an_address_and_the_others_refuse_it_and_no_output_has_a_secret()
    {
        using LocalServer server = LocalServer.OfFolder(Fixtures.Root);
        string address = server["tiny/fp32.safetensors?token=s3cret"].Replace("://", "://user:s3cret@", StringComparison.Ordinal);
        using var folder = new TemporaryFolder();

        CliRun plan = CliRun.Of("plan", address, "--strategy", "Stream", "--format", "json");
        Assert.True(plan.ExitCode == 0, plan.Error);
        Assert.Equal(server["tiny/fp32.safetensors"], JsonDocument.Parse(plan.Output).RootElement[0].GetProperty("Path").GetString());
        CliRun table = CliRun.Of("plan", address);
        CliRun inspect = CliRun.Of("inspect", address);
        Assert.True(inspect.ExitCode == 0, inspect.Error);
        Assert.Contains(server["tiny/fp32.safetensors"] + " (Safetensors)", inspect.Output, StringComparison.Ordinal);

        CliRun[] refused =
        [
            CliRun.Of("inspect", "--hash", address),
            CliRun.Of("measure", address, "--strategy", "Stream"),
            CliRun.Of("measure", address, "--in-process"),
            CliRun.Of("test", address),
            CliRun.Of("test", "--deep", address),
            CliRun.Of("manifest", address),
            CliRun.Of("convert", address, "--to", "pth", "--out", folder["x.pth"]),
            CliRun.Of("invoke", address, "--token-ids", "1"),
        ];

        Assert.All(refused, run => Assert.Contains("ML5201", run.Error + run.Output, StringComparison.Ordinal));
        Assert.All(refused, run => Assert.Equal(1, run.ExitCode));
        Assert.Empty(folder.Names);
        Assert.All([plan, table, inspect, .. refused], run =>
            Assert.DoesNotContain("s3cret", run.Output + run.Error, StringComparison.Ordinal));
    }

    [Fact]
    public void A_model_of_the_hub_is_planned_from_its_server_if_the_option_is_given()
    {
        using LocalServer server = new(asked => asked.Path == "/org/name/resolve/main/model.safetensors"
            ? Reply.Of(asked, File.ReadAllBytes(Fixtures.PathOf("tiny/fp32.safetensors"))) : Reply.NotFound);
        using var folder = new TemporaryFolder();
        (string, string)[] settings = [("HF_ENDPOINT", server[""]), ("HF_HUB_CACHE", folder.Path), ("HF_TOKEN", "hf_s3cret")];

        ProgramRun without = ProgramRun.Of(settings, "plan", "hf://org/name");
        Assert.Contains("'memload plan --remote'", without.Error, StringComparison.Ordinal);
        Assert.Empty(server.Requests);
        ProgramRun run = ProgramRun.Of(settings, "plan", "hf://org/name", "--remote", "--strategy", "Stream");

        Assert.True(run.ExitCode == 0, run.Error);
        Assert.Contains(server["org/name/resolve/main/model.safetensors"], run.Output, StringComparison.Ordinal);
        Assert.All(server.Requests, asked => Assert.Equal("Bearer hf_s3cret", asked.Headers["authorization"]));
    }

    [Fact]
    public void The_token_for_a_server_on_this_computer_is_not_sent_through_a_proxy()
    {
        using LocalServer proxy = new(asked => Reply.Of(asked, File.ReadAllBytes(Fixtures.PathOf("tiny/fp32.safetensors"))));
        const string Hub = "http://127.0.0.1:9/";
        (string, string)[] settings =
            [("HF_ENDPOINT", Hub), ("HF_TOKEN", "hf_s3cret"), ("http_proxy", proxy[""]), ("no_proxy", "host.invalid")];

        ProgramRun run = ProgramRun.Of(settings, "inspect", $"{Hub}org/name/resolve/main/model.safetensors");

        Assert.True(run.ExitCode == 0, run.Error);
        Assert.NotEmpty(proxy.Requests);
        Assert.All(proxy.Requests, asked => Assert.StartsWith(Hub, asked.Path, StringComparison.Ordinal));
        Assert.All(proxy.Requests, asked => Assert.DoesNotContain("authorization", asked.Headers));
    }
}
