# Installs the Windows service onepasswordbeat. Run it as an administrator, in the folder that was unpacked from the zip.
# The state and the keystore go to C:\Program Files\onepasswordbeat-Data, where an upgrade finds them.

$ErrorActionPreference = "Stop"

$name = "onepasswordbeat"
$home_ = Split-Path -Parent $MyInvocation.MyCommand.Path
$data = Join-Path $env:ProgramFiles "$name-Data"

if (Get-Service $name -ErrorAction SilentlyContinue) {
    Stop-Service $name
    (Get-Service $name).WaitForStatus("Stopped", "00:01:00")
    & sc.exe delete $name | Out-Null
}

# Only administrators and the system may read what the data folder holds.
if (-not (Test-Path $data)) {
    New-Item -ItemType Directory -Path $data | Out-Null
    & icacls.exe $data /inheritance:r /grant:r "*S-1-5-18:(OI)(CI)F" "*S-1-5-32-544:(OI)(CI)F" | Out-Null
}

$arguments = @(
    "--environment=windows_service",
    "-c", "`"$home_\$name.yml`"",
    "--path.home", "`"$home_`"",
    "--path.data", "`"$data`"",
    "--path.logs", "`"$data\logs`"",
    "-E", "logging.files.redirect_stderr=true"
)

New-Service -Name $name -DisplayName $name `
    -Description "Ships 1Password's audit events, item usages and sign-in attempts" `
    -BinaryPathName "`"$home_\$name.exe`" $($arguments -join ' ')" -StartupType Automatic | Out-Null

# After a crash it starts again, and a start at boot waits for the network.
& sc.exe failure $name reset= 86400 actions= restart/2000/restart/10000/restart/60000 | Out-Null
& sc.exe config $name start= delayed-auto | Out-Null

Write-Output "The service $name is installed. Start it with: Start-Service $name"
