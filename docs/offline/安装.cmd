@echo off
rem Text in GB2312, lines end in CRLF: cmd.exe of a Chinese Windows reads this file in code page 936. Only characters of GB2312,
rem whose bytes are all above 127: under any other code page the texts are unreadable, but no command is broken.
setlocal
set "HERE=%~dp0"
set "PLACE=%LOCALAPPDATA%\perfeval_xl"
set "PY="
set "PYTHONHOME="
set "PYTHONPATH="
set "PIP_DISABLE_PIP_VERSION_CHECK=1"
echo 绩效自评工具 离线安装（不需要管理员权限，请先关闭 Excel）
echo.
if not exist "%HERE%wheels\perfeval_xl-*.whl" goto unpacked

rem a 64-bit Python for which there are wheels: known to the launcher, or installed for this user
for %%V in (3.12 3.11) do if not defined PY py -%%V -c "import sys; sys.exit(sys.maxsize < 2**32)" >nul 2>nul && set "PY=py -%%V"
call :look
if defined PY goto found
for %%F in ("%HERE%python-3.12*-amd64.exe" "%HERE%python-3.11*-amd64.exe") do call :setup "%%~fF"
call :look
if not defined PY goto nopython

:found
echo 使用 %PY%
echo 正在建立单独的环境：%PLACE%
%PY% -m venv "%PLACE%"
if errorlevel 1 goto failed
"%PLACE%\Scripts\python.exe" -m pip install --quiet --no-index --find-links "%HERE%wheels" --upgrade "perfeval_xl[excel]"
if errorlevel 1 goto failed
"%PLACE%\Scripts\python.exe" -m perfeval_xl.cli install
if errorlevel 2 goto failed
echo.
echo 装好了。下面看看这台电脑还缺什么：
echo.
"%PLACE%\Scripts\python.exe" -m perfeval_xl.cli doctor
echo.
pause
exit /b 0

:look
for %%V in (312 311) do if not defined PY if exist "%LOCALAPPDATA%\Programs\Python\Python%%V\python.exe" set PY="%LOCALAPPDATA%\Programs\Python\Python%%V\python.exe"
exit /b 0

:setup
if exist "%LOCALAPPDATA%\Programs\Python\Python312\python.exe" exit /b 0
echo 正在为当前用户安装 Python：%~nx1
start "" /wait "%~1" /quiet InstallAllUsers=0 PrependPath=0 Include_launcher=0 Include_test=0 Shortcuts=0
exit /b 0

:unpacked
echo 没有找到 wheels 文件夹。请先把整个安装包解压到一个文件夹，再双击里面的“安装.cmd”。
pause
exit /b 1

:nopython
echo 没有找到 64 位的 Python 3.12 或 3.11，安装包里也没有它的安装程序（python-3.12.x-amd64.exe）。
echo 请把这个窗口的文字发给信息中心。
pause
exit /b 1

:failed
echo.
echo 没有装成。请关闭 Excel 后再试一次；还不行，请把这个窗口的文字发给信息中心。
pause
exit /b 1
