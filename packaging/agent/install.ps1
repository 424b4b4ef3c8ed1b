# Installs onepasswordbeat as a component of the Elastic Agent on this machine. Run it as an administrator, in the
# folder that was unpacked. A previous version is kept beside it, and comes back with -Rollback. An upgrade of the Agent
# makes a new components folder: run the script again after it.
param(
    [string]$AgentHome = "$env:ProgramFiles\Elastic\Agent",
    [switch]$Rollback
)

$ErrorActionPreference = "Stop"

$files = @("onepasswordbeat.exe", "onepasswordbeat.spec.yml")
$here = Split-Path -Parent $MyInvocation.MyCommand.Path

$folders = @(Get-ChildItem -Path "$AgentHome\data" -Directory -Filter "elastic-agent-*" -ErrorAction SilentlyContinue |
    ForEach-Object { Join-Path $_.FullName "components" } | Where-Object { Test-Path $_ })
if ($folders.Count -ne 1) {
    throw "There must be one components folder below $AgentHome, and there are $($folders.Count)."
}
$components = $folders[0]

if ($Rollback) {
    foreach ($file in $files) {
        if (-not (Test-Path "$components\$file.previous")) {
            throw "There is no previous version in $components."
        }
    }
    foreach ($file in $files) {
        Move-Item -Force "$components\$file.previous" "$components\$file"
    }
    Write-Output "The previous version is back in $components. Restart the Agent: elastic-agent restart"
    exit 0
}

foreach ($file in $files) {
    if (Test-Path "$components\$file") {
        $old = Get-FileHash "$components\$file"
        $new = Get-FileHash "$here\$file"
        if ($old.Hash -ne $new.Hash) {
            Copy-Item -Force "$components\$file" "$components\$file.previous"
        }
    }
    Copy-Item -Force "$here\$file" "$components\$file"
    # The access rights of the folder, not of the place where the bundle was unpacked.
    Set-Acl -Path "$components\$file" -AclObject (Get-Acl $components)
}
Write-Output "Installed in $components. Restart the Agent: elastic-agent restart"
