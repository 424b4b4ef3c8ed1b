# Removes the Windows service onepasswordbeat. Run it as an administrator. The state and the keystore in
# C:\Program Files\onepasswordbeat-Data stay.

$ErrorActionPreference = "Stop"

$name = "onepasswordbeat"

if (-not (Get-Service $name -ErrorAction SilentlyContinue)) {
    Write-Output "There is no service $name."
    exit 0
}

Stop-Service $name
(Get-Service $name).WaitForStatus("Stopped", "00:01:00")
& sc.exe delete $name | Out-Null
if ($LASTEXITCODE -ne 0) {
    Write-Error "sc.exe could not delete the service $name (exit code $LASTEXITCODE)."
}
Write-Output "The service $name is removed."
